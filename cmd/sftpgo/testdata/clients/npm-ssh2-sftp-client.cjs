// run: node
// needs: NODE_MODULES/ssh2-sftp-client/package.json
// rename: replaces
// cannot: symlink readlink hardlink df hash writeat: ssh2-sftp-client has no such function
'use strict';
const fs = require('node:fs');
const { finished } = require('node:stream/promises');
const Client = require('ssh2-sftp-client');
const { serve } = require('verbs.cjs');

const sftp = new Client();
// into waits for the file, too: get ends when the last byte has come.
const into = (out, remote, readStreamOptions) =>
  Promise.all([finished(out), sftp.get(remote, out, { readStreamOptions })]).then(() => {});
const verbs = {
  put: (local, remote) => sftp.fastPut(local, remote).then(() => {}),
  get: (remote, local) => sftp.fastGet(remote, local).then(() => {}),
  reput: async (local, remote) => {
    const { size: start } = await sftp.stat(remote);
    await sftp.put(fs.createReadStream(local, { start }), remote, { writeStreamOptions: { flags: 'r+', start } });
  },
  append: (local, remote) => sftp.append(fs.createReadStream(local), remote).then(() => {}),
  reget: (remote, local) => {
    const start = fs.statSync(local).size;
    return into(fs.createWriteStream(local, { flags: 'a' }), remote, { start });
  },
  readat: (remote, offset, length, local) => {
    const start = Number(offset);
    return into(fs.createWriteStream(local), remote, { start, end: start + Number(length) - 1 });
  },
  putp: async (local, remote) => {
    const { mode } = fs.statSync(local);
    await sftp.put(local, remote, { writeStreamOptions: { mode: mode & 0o777 } });
    await verbs.touch(fs.statSync(local).mtimeMs / 1000, remote);
    await sftp.chmod(remote, mode & 0o777);
  },
  getp: async (remote, local) => {
    const { mode, modifyTime, accessTime } = await sftp.stat(remote);
    await sftp.get(remote, local);
    fs.chmodSync(local, mode & 0o777);
    fs.utimesSync(local, accessTime / 1000, modifyTime / 1000);
  },
  puttree: (local, remote) => sftp.uploadDir(local, remote).then(() => {}),
  gettree: (remote, local) => sftp.downloadDir(remote, local).then(() => {}),
  list: async (dir) => (await sftp.list(dir)).map((entry) => entry.name),
  stat: async (name) => {
    const { size, mode, modifyTime } = await sftp.stat(name);
    return `${size} ${(mode & 0o777).toString(8)} ${modifyTime / 1000}`;
  },
  mkdir: (name) => sftp.mkdir(name, true).then(() => {}),
  rmdir: (name) => sftp.rmdir(name, false).then(() => {}),
  rm: (name) => sftp.delete(name).then(() => {}),
  rename: (from, to) => sftp.posixRename(from, to).then(() => {}),
  chmod: (mode, name) => sftp.chmod(name, parseInt(mode, 8)).then(() => {}),
  touch: (seconds, name) => new Promise((resolve, reject) => // by the ssh2 below
    sftp.sftp.utimes(name, Number(seconds), Number(seconds), (err) => (err ? reject(err) : resolve()))),
  copy: (from, to) => sftp.rcopy(from, to).then(() => {}),
};

const { HOST, PORT, CLIENT_USER, PASSWORD } = process.env;
sftp.connect({ host: HOST, port: PORT, username: CLIENT_USER, password: PASSWORD })
  .then(() => sftp.client.setNoDelay(true)) // else each answer takes 40 ms
  .then(() => serve(verbs)).then(() => sftp.end());
