// Serves the verbs of a driver in JavaScript: each is a method of an object.
'use strict';
const readline = require('node:readline');

exports.serve = async function serve(client) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, ...words] = line.split('\t');
    try {
      const data = await client[verb](...words);
      for (const value of [].concat(data ?? [])) console.log('= ' + value);
      console.log('ok');
    } catch (err) {
      console.error(err?.stack ?? err);
      console.log('fail ' + String(err.message).replaceAll('\n', ' '));
    }
  }
};
