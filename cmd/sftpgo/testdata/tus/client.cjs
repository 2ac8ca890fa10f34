// Drives tus-js-client: node client.cjs SCENARIO ENDPOINT FILE DIRECTORY. The last line of
// the output is the address of the upload.
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { PassThrough } = require('node:stream')
const assert = require('node:assert/strict')
const tus = require('tus-js-client')

const [scenario, endpoint, file, directory] = process.argv.slice(2)
const content = () => fs.createReadStream(file)
const size = fs.statSync(file).size
const metadata = { filename: path.basename(file), filetype: 'application/octet-stream', empty: '', greeting: 'grüße' }
const urlStorage = new tus.FileUrlStorage(path.join(directory, 'urls'))
const requests = []

// run starts an upload and ends with it, or when onProgress says so.
function run(body, options, begin = (upload) => upload.start()) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(body, {
      endpoint,
      metadata,
      retryDelays: [0, 100, 300, 1000, 1000, 1000, 2000, 2000, 5000, 5000, 5000, 5000],
      onSuccess: () => resolve(upload),
      onError: reject,
      onAfterResponse: (request, response) => {
        requests.push(`${request.getMethod()} ${response.getStatus()}`)
      },
      ...options,
      onProgress: (sent, total) => options.onProgress?.(upload, sent, total, resolve),
    })
    Promise.resolve(begin(upload)).catch(reject)
  })
}

async function head(url) {
  return fetch(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } })
}

// kept are options with which an upload is found again.
const kept = { urlStorage, storeFingerprintForResuming: true, fingerprint: () => Promise.resolve('the file') }

const scenarios = {
  async whole() {
    const upload = await run(content(), { uploadSize: size })
    assert.deepEqual(requests, ['POST 201', 'PATCH 204'])
    return upload
  },

  async chunks() {
    return run(content(), { uploadSize: size, chunkSize: 100_000 })
  },

  async creation_with_upload() {
    const upload = await run(content(), { uploadSize: size, uploadDataDuringCreation: true, chunkSize: Number.POSITIVE_INFINITY })
    assert.deepEqual(requests, ['POST 201'])
    return upload
  },

  async creation_with_part() {
    return run(content(), { uploadSize: size, uploadDataDuringCreation: true, chunkSize: 70_000 })
  },

  async deferred() {
    // As from a pipe: the file source of 4.3.1 announces more than it sends in the end.
    return run(content().pipe(new PassThrough()), { uploadLengthDeferred: true, chunkSize: 65_536 })
  },

  async parallel() {
    const upload = await run(fs.readFileSync(file), { parallelUploads: 4 })
    const response = await head(upload.url)
    assert.match(response.headers.get('upload-concat'), /^final;/)
    return upload
  },

  // abort and resume with another object, as after a restart of the client.
  async resume() {
    const stop = {
      ...kept,
      uploadSize: size,
      chunkSize: 50_000,
      onProgress(upload, sent, total, resolve) {
        if (sent > total / 3) upload.abort().then(() => resolve(upload))
      },
    }
    const first = await run(content(), stop)
    const before = Number((await head(first.url)).headers.get('upload-offset'))
    assert.ok(before > 0 && before < size, `offset ${before}`)
    requests.length = 0
    const second = await run(content(), { ...kept, uploadSize: size }, async (upload) => {
      const [previous] = await upload.findPreviousUploads()
      upload.resumeFromPreviousUpload(previous)
      upload.start()
    })
    assert.equal(second.url, first.url)
    assert.deepEqual(requests, ['HEAD 200', 'PATCH 204'])
    return second
  },

  async override() {
    return run(content(), { uploadSize: size, overridePatchMethod: true })
  },

  async empty() {
    const upload = await run(Buffer.alloc(0), {})
    assert.deepEqual(requests, ['POST 201'])
    assert.equal((await head(upload.url)).headers.get('upload-length'), '0')
    return upload
  },

  async terminate() {
    const upload = await run(content(), {
      uploadSize: size,
      chunkSize: 50_000,
      onProgress(upload, sent, total, resolve) {
        if (sent > total / 3) upload.abort(true).then(() => resolve(upload))
      },
    })
    assert.ok(requests.includes('DELETE 204'), requests.join())
    assert.ok([404, 410].includes((await head(upload.url)).status))
    return upload
  },

  // Resumable uploads of the IETF, interop version 6. From a Buffer: of a file that it
  // sends in parts, the file source of 4.3.1 never says which one is the last.
  async ietf() {
    const upload = await run(content(), { uploadSize: size, protocol: 'ietf-draft-05' })
    assert.deepEqual(requests, ['POST 201', 'PATCH 201'])
    return upload
  },

  async ietf_chunks() {
    const options = { uploadSize: size, protocol: 'ietf-draft-05', chunkSize: 100_000, uploadDataDuringCreation: true }
    const upload = await run(fs.readFileSync(file), options)
    assert.equal(requests[0], 'POST 201')
    assert.equal(requests[1], 'PATCH 204')
    assert.equal(requests.at(-1), 'PATCH 201')
    return upload
  },

  async ietf_creation_with_upload() {
    const options = { uploadSize: size, protocol: 'ietf-draft-05', uploadDataDuringCreation: true }
    const upload = await run(content(), options)
    assert.deepEqual(requests, ['POST 201'])
    return upload
  },

  async ietf_deferred() {
    const options = { uploadLengthDeferred: true, chunkSize: 65_536, protocol: 'ietf-draft-05' }
    return run(content().pipe(new PassThrough()), options)
  },

  async ietf_resume() {
    const options = { ...kept, uploadSize: size, protocol: 'ietf-draft-05' }
    const first = await run(fs.readFileSync(file), {
      ...options,
      chunkSize: 50_000,
      onProgress(upload, sent, total, resolve) {
        if (sent > total / 3) upload.abort().then(() => resolve(upload))
      },
    })
    requests.length = 0
    const second = await run(fs.readFileSync(file), options, async (upload) => {
      const [previous] = await upload.findPreviousUploads()
      upload.resumeFromPreviousUpload(previous)
      upload.start()
    })
    assert.equal(second.url, first.url)
    assert.deepEqual(requests, ['HEAD 204', 'PATCH 201'])
    return second
  },

  // Whatever breaks meanwhile is the business of the test.
  async retry() {
    return run(content(), { uploadSize: size, chunkSize: Number.POSITIVE_INFINITY, retryDelays: Array(200).fill(200) })
  },
}

scenarios[scenario]().then(
  (upload) => console.log(upload.url),
  (err) => {
    console.error(err)
    process.exitCode = 1
  },
)
