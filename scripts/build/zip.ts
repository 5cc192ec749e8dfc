import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'

export interface ZipEntry {
  name: string
  bytes: Buffer
  /** permission bits, such as 0o644 */
  mode: number
}

/**
 * A zip archive whose bytes depend on the entries alone, so that its SHA-256 names its contents: entries are stored in the order given,
 * uncompressed (zlib's output differs between its versions), with a fixed time.
 */
export async function zipOf(entries: ZipEntry[]): Promise<Buffer> {
  const zip = new ZipFile()
  // DOS times begin with 1980 and have no zone, and yazl writes local ones: a fixed date as this machine's clock would show it, wherever that is.
  const mtime = new Date(1980, 1, 1)
  for (const { name, bytes, mode } of entries) {
    zip.addBuffer(bytes, name, { mtime, mode: 0o100000 | mode, compress: false, forceDosTimestamp: true })
  }
  zip.end()
  return buffer(zip.outputStream)
}
