import { createReadStream, createWriteStream, mkdirSync, statSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { serveUntilStopped } from '../serve-until-stopped.ts'

/** The smallest HTTP server that `nix copy` can write to: PUT, GET and HEAD on files. Arguments: the folder. */
const [folder = ''] = process.argv.slice(2)
let uploads = 0
serveUntilStopped(folder, (request, response) => {
  answer(request, response).catch((error: unknown) => {
    // Nix closes the connections of answers that it does not want to the end.
    if ((error as { code?: unknown }).code !== 'ERR_STREAM_PREMATURE_CLOSE') console.error(error)
    response.destroy()
  })
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const file = join(folder, 'files', normalize(new URL(request.url ?? '/', 'http://localhost').pathname))
  if (request.method === 'PUT') {
    mkdirSync(dirname(file), { recursive: true })
    // A reader never sees half of one, as with S3.
    const upload = `${file}.${uploads++}`
    await pipeline(request, createWriteStream(upload))
    await rename(upload, file)
    response.writeHead(200).end()
    return
  }
  const size = statSync(file, { throwIfNoEntry: false })?.size
  if (size === undefined) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { 'content-length': size })
  if (request.method === 'HEAD') response.end()
  else await pipeline(createReadStream(file), response)
}
