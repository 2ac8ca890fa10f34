// run: node
// needs: NODE_MODULES/webdav/package.json
// rename: replaces
// cannot: reput append writeat: a PUT of a part is refused, RFC 9110 section 14.4
// cannot: puttree gettree: webdav has no such function
// cannot: rmdir: a DELETE removes what is below, too
// cannot: touch putp getp: webdav has no such function
'use strict';
const fs = require('node:fs');
const { pipeline } = require('node:stream/promises');
const { pathToFileURL } = require('node:url');
const { serve } = require('verbs.cjs');

const { HOST, PORT, CLIENT_USER, PASSWORD } = process.env;
const refuse = () => { throw new Error('the file is there'); };
const none = () => {};
const property = (name, value) => `<c:${name} xmlns:c="urn:clients">${value}</c:${name}>`;

async function main() {
  // A module of the other kind, which NODE_PATH does not find.
  const { createClient } = await import(pathToFileURL(require.resolve('webdav')));
  const dav = createClient(`http://${HOST}:${PORT}/`, { username: CLIENT_USER, password: PASSWORD });
  const put = async (local, remote, options) => {
    if (!await dav.putFileContents(remote, fs.readFileSync(local), options)) refuse();
  };
  const into = (local, flags, remote, range) =>
    pipeline(dav.createReadStream(remote, range && { range }), fs.createWriteStream(local, { flags }));
  await serve({
    put: (local, remote) => put(local, remote),
    putif: (local, remote, etag) => put(local, remote, { headers: { 'If-Match': etag } }),
    putnew: (local, remote) => put(local, remote, { overwrite: false }),
    putstream: (local, remote) => new Promise((resolve, reject) => {
      const out = dav.createWriteStream(remote, {}, resolve);
      out.on('error', reject);
      fs.createReadStream(local).on('error', reject).pipe(out);
    }).then(none),
    get: async (remote, local) => fs.writeFileSync(local, await dav.getFileContents(remote)),
    reget: (remote, local) => into(local, 'a', remote, { start: fs.statSync(local).size }),
    readat: (remote, offset, length, local) =>
      into(local, 'w', remote, { start: Number(offset), end: Number(offset) + Number(length) - 1 }),
    etag: async (name) => (await dav.customRequest(name, { method: 'HEAD' })).headers.get('etag'),
    list: async (dir) => (await dav.getDirectoryContents(dir)).map((entry) => entry.basename),
    stat: async (name) => {
      const { size, lastmod } = await dav.stat(name);
      return `${size} - ${Date.parse(lastmod) / 1000}`;
    },
    mkdir: (name) => dav.createDirectory(name, { recursive: name.includes('/') }),
    rm: (name) => dav.deleteFile(name),
    rmtree: (name) => dav.deleteFile(name),
    rename: (from, to) => dav.moveFile(from, to),
    copy: (from, to) => dav.copyFile(from, to),
    copytree: (from, to) => dav.copyFile(from, to),
    // Without a body it asks for all properties, to which those of RFC 4331 do not belong.
    df: async () => {
      const data = '<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>';
      return (await dav.getQuota({ data })).available;
    },
    lock: async (name) => (await dav.lock(name)).token,
    unlock: (name, token) => dav.unlock(name, token),
    propset: async (name, key, value) => {
      const data = `<propertyupdate xmlns="DAV:"><set><prop>${property(key, value)}</prop></set></propertyupdate>`;
      const answer = await (await dav.customRequest(name, { method: 'PROPPATCH', data })).text();
      if (!answer.includes('200 OK')) throw new Error(answer);
    },
    propget: async (name, key) => {
      const data = `<propfind xmlns="DAV:"><prop><resourcetype/>${property(key, '')}</prop></propfind>`;
      return (await dav.stat(name, { details: true, data })).data.props[key];
    },
  });
}

main();
