'use strict'

// The list of uploads. tus-js-client keeps the addresses of those that are not
// complete in the browser, by name, size and time of the file: who chooses the same
// file again goes on where it stopped.
const endpoint = new URL(document.body.dataset.endpoint, location.href).href
const list = document.getElementById('list')
const drop = document.getElementById('drop')
const pick = document.getElementById('pick')
const second = 1000
const pauses = [0, 1, 2, 3, 5, 5, 10, 10, 20, 30, 30, 60, 60, 60].map((n) => n * second)
const atOnce = 3
const rows = new Map() // by key

const keyOf = (name, size) => `${name}\n${size}`

function bytes(n) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let i = 0
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024
    i++
  }
  return `${i > 0 && n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`
}

function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
}

// A row is an upload as one sees it.
class Row {
  constructor(name, size) {
    this.size = size
    this.key = keyOf(name, size)
    this.node = document.getElementById('row').content.firstElementChild.cloneNode(true)
    this.part('name').textContent = name
    this.part('size').textContent = bytes(size)
    this.button = this.part('go')
    this.button.onclick = () => this.press()
    this.part('drop').onclick = () => this.remove()
    rows.set(this.key, this)
    list.prepend(this.node)
  }

  part(name) {
    return this.node.querySelector(`.${name}`)
  }

  show(state, text, action) {
    this.state = state
    this.node.className = state
    this.part('state').textContent = text
    this.button.textContent = action
    this.button.hidden = action === ''
  }

  progress(sent) {
    this.node.querySelector('progress').value = this.size > 0 ? sent / this.size : 1
  }

  percent(sent) {
    return this.size > 0 ? `${Math.floor((100 * sent) / this.size)} %` : ''
  }

  // wait is for what an earlier visit has left.
  wait(previous) {
    this.previous = previous
    this.show('waiting', 'Choose the file again to go on', 'Choose')
  }

  press() {
    if (this.state === 'running') {
      this.upload.abort()
      this.show('paused', `Paused at ${this.percent(this.sent)}`, 'Go on')
      next()
    } else if (this.state === 'queued') {
      this.show('paused', 'Paused', 'Go on')
    } else if (this.state === 'waiting') {
      pick.click()
    } else {
      this.queue()
    }
  }

  take(file) {
    this.file = file
    this.upload = new tus.Upload(file, {
      endpoint,
      retryDelays: pauses,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, filetype: file.type || 'application/octet-stream' },
      onProgress: (sent) => this.advance(sent),
      onSuccess: () => this.finish(),
      onError: (err) => this.fail(err),
      onShouldRetry: (err) => this.retry(err),
    })
    this.queue()
  }

  queue() {
    this.show('queued', 'Waiting for its turn', 'Pause')
    next()
  }

  async start() {
    this.show('running', 'Starting', 'Pause')
    if (!this.upload.url) {
      const [earlier] = await this.upload.findPreviousUploads()
      if (earlier) this.upload.resumeFromPreviousUpload(earlier)
    }
    this.since = undefined
    if (this.state === 'running') this.upload.start()
  }

  advance(sent) {
    this.sent = sent
    this.progress(sent)
    if (this.state !== 'running') return
    const now = Date.now()
    if (this.since === undefined || sent < this.since.sent) this.since = { now, sent }
    const rate = (sent - this.since.sent) / ((now - this.since.now) / second)
    const left = rate > 0 && now - this.since.now > second ? `, ${duration((this.size - sent) / rate)} left` : ''
    this.part('state').textContent = `${this.percent(sent)}${left}`
  }

  retry(err) {
    const status = err.originalResponse ? err.originalResponse.getStatus() : 0
    const again = status < 400 || status >= 500 || status === 409 || status === 423
    if (again && this.state === 'running') this.part('state').textContent = 'The server cannot be reached, trying again'
    return again
  }

  finish() {
    this.progress(this.size)
    this.show('done', 'Complete', '')
    this.part('drop').hidden = true
    next()
  }

  fail(err) {
    const response = err.originalResponse
    const reason = response ? response.getBody().slice(0, 200) || `status ${response.getStatus()}` : 'the server cannot be reached'
    this.show('failed', `Failed: ${reason}`, 'Try again')
    next()
  }

  async remove() {
    const url = this.upload ? this.upload.url : this.previous.uploadUrl
    this.show('removed', 'Removing', '')
    try {
      if (this.upload) await this.upload.abort(true)
      else await tus.Upload.terminate(url, { retryDelays: pauses.slice(0, 3) })
    } catch {
      // It may be gone already; if not, the server decides how long it stays.
    }
    if (this.previous) await tus.defaultOptions.urlStorage.removeUpload(this.previous.urlStorageKey)
    rows.delete(this.key)
    this.node.remove()
    next()
  }
}

// next starts what waits for its turn.
function next() {
  const all = [...rows.values()]
  let free = atOnce - all.filter((row) => row.state === 'running').length
  for (const row of all) {
    if (free > 0 && row.state === 'queued') {
      free--
      row.start()
    }
  }
}

function add(files) {
  for (const file of files) {
    const known = rows.get(keyOf(file.name, file.size))
    if (!known || known.state === 'done') new Row(file.name, file.size).take(file)
    else if (known.state === 'waiting') known.take(file)
  }
}

pick.onchange = () => {
  add([...pick.files])
  pick.value = ''
}
for (const name of ['dragenter', 'dragover']) {
  document.addEventListener(name, (event) => {
    event.preventDefault()
    drop.classList.add('over')
  })
}
for (const name of ['dragleave', 'drop']) {
  document.addEventListener(name, (event) => {
    event.preventDefault()
    drop.classList.remove('over')
  })
}
document.addEventListener('drop', (event) => add([...event.dataTransfer.files]))
window.addEventListener('beforeunload', (event) => {
  if ([...rows.values()].some((row) => row.state === 'running')) event.preventDefault()
})

// What an earlier visit has left; how far it is the server knows.
async function restore() {
  for (const previous of await tus.defaultOptions.urlStorage.findAllUploads()) {
    const { uploadUrl, size, metadata } = previous
    if (!uploadUrl || !uploadUrl.startsWith(endpoint) || size === null || rows.has(keyOf(metadata.filename, size))) continue
    const head = await fetch(uploadUrl, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' }, cache: 'no-store' }).catch(() => null)
    if (head && [403, 404, 410].includes(head.status)) { // any other answer is of a moment
      await tus.defaultOptions.urlStorage.removeUpload(previous.urlStorageKey)
      continue
    }
    const row = new Row(metadata.filename, size)
    row.wait(previous)
    const offset = head && head.ok ? Number(head.headers.get('Upload-Offset')) : 0
    row.progress(offset)
    if (offset > 0) row.part('state').textContent = `${row.percent(offset)}. ${row.part('state').textContent}`
  }
}

restore()
