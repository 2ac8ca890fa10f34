// run: node
// needs: NODE_MODULES/ssh2/package.json
// rename: refuses
// cannot: puttree gettree: ssh2 moves files only
'use strict';
const fs = require('node:fs');
const { promisify } = require('node:util');
const { pipeline } = require('node:stream/promises');
const { Client } = require('ssh2');
const { serve } = require('verbs.cjs');

// of makes functions that take a callback return promises.
const of = (sftp) => new Proxy(sftp, { get: (target, name) => promisify(target[name]).bind(target) });
const { HOST, PORT, CLIENT_USER, PASSWORD, KEY } = process.env;
const client = new Client();
let sftp; // by promises
let raw; // by callbacks and streams

// opened runs with a handle.
async function opened(name, flags, work) {
  const handle = await sftp.open(name, flags);
  try {
    return await work(handle);
  } finally {
    await sftp.close(handle);
  }
}

const verbs = {
  put: (local, remote) => sftp.fastPut(local, remote, { concurrency: 64, chunkSize: 32768 }),
  get: (remote, local) => sftp.fastGet(remote, local, { concurrency: 64, chunkSize: 32768 }),
  reput: async (local, remote) => {
    const { size } = await sftp.stat(remote);
    await pipeline(fs.createReadStream(local, { start: size }), raw.createWriteStream(remote, { flags: 'r+', start: size }));
  },
  append: (local, remote) => pipeline(fs.createReadStream(local), raw.createWriteStream(remote, { flags: 'a' })),
  reget: (remote, local) => {
    const start = fs.statSync(local).size;
    return pipeline(raw.createReadStream(remote, { start }), fs.createWriteStream(local, { flags: 'a' }));
  },
  // The handle is open before the data comes, and flushed before it is closed.
  writeat: (local, remote, offset) => opened(remote, 'r+', async (handle) => {
    const data = fs.readFileSync(local);
    const pieces = [];
    for (let at = 0; at < data.length; at += 32768) {
      const size = Math.min(32768, data.length - at);
      pieces.push(sftp.write(handle, data, at, size, Number(offset) + at));
    }
    await Promise.all(pieces);
    await sftp.ext_openssh_fsync(handle);
  }),
  readat: (remote, offset, length, local) => {
    const start = Number(offset);
    return pipeline(raw.createReadStream(remote, { start, end: start + Number(length) - 1 }), fs.createWriteStream(local));
  },
  putp: async (local, remote) => {
    const { mode, mtimeMs } = fs.statSync(local);
    await sftp.fastPut(local, remote, { mode: mode & 0o777 });
    await opened(remote, 'r+', (handle) => sftp.fsetstat(handle, { mode: mode & 0o777, atime: mtimeMs / 1000, mtime: mtimeMs / 1000 }));
  },
  getp: async (remote, local) => {
    const { mode, atime, mtime } = await opened(remote, 'r', (handle) => sftp.fstat(handle));
    await sftp.fastGet(remote, local);
    fs.chmodSync(local, mode & 0o777);
    fs.utimesSync(local, atime, mtime);
  },
  list: async (dir) => (await sftp.readdir(dir)).map((entry) => entry.filename),
  stat: async (name) => {
    const { size, mode, mtime } = await sftp.lstat(name);
    return `${size} ${(mode & 0o777).toString(8)} ${mtime}`;
  },
  mkdir: (name) => sftp.mkdir(name),
  rmdir: (name) => sftp.rmdir(name),
  rm: (name) => sftp.unlink(name),
  rename: (from, to) => sftp.rename(from, to),
  chmod: (mode, name) => sftp.chmod(name, parseInt(mode, 8)),
  touch: (seconds, name) => sftp.ext_openssh_lsetstat(name, { atime: Number(seconds), mtime: Number(seconds) }),
  symlink: (target, link) => sftp.symlink(target, link),
  readlink: (name) => sftp.readlink(name),
  hardlink: (from, to) => sftp.ext_openssh_hardlink(from, to),
  copy: (from, to) => opened(from, 'r', (source) =>
    opened(to, 'w', (target) => sftp.ext_copy_data(source, 0, 0, target, 0))),
  df: async () => {
    const { f_bavail: blocks, f_frsize: size } = await sftp.ext_openssh_statvfs(await sftp.ext_home_dir(CLIENT_USER));
    return String(blocks * size);
  },
  hash: (kind, name) => new Promise((resolve, reject) => {
    client.exec(`${kind}sum '${name}'`, (err, stream) => {
      if (err) return reject(err);
      let out = '';
      stream.on('data', (data) => { out += data; });
      stream.on('close', (code) => (code === 0 ? resolve(out.split(' ')[0]) : reject(new Error(`status ${code}: ${out}`))));
    });
  }),
};

client.on('ready', async () => {
  client.setNoDelay(true); // else each answer takes 40 ms
  raw = await promisify(client.sftp).call(client);
  sftp = of(raw);
  await serve(verbs);
  client.end();
}).on('error', (err) => {
  console.error(err);
  process.exit(1);
}).connect({ host: HOST, port: PORT, username: CLIENT_USER, privateKey: fs.readFileSync(KEY), password: PASSWORD });
