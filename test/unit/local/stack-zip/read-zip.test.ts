import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import yazl from 'yazl'
import { InvalidZip, readZip, unzip } from '../../../../local/zip/read-zip.ts'

async function zip(files: Record<string, string>, options: Partial<yazl.Options> = {}): Promise<Buffer> {
  const archive = new yazl.ZipFile()
  for (const [path, text] of Object.entries(files)) archive.addBuffer(Buffer.from(text), path, options)
  archive.end()
  return buffer(archive.outputStream)
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-zip-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

describe('a zip gives back what was put in', () => {
  test.each([
    ['deflated', { compress: true }],
    ['stored', { compress: false }],
  ])('%s', async (_, options) => {
    const files = { 'index.mjs': 'x'.repeat(10_000), 'a/b/ü.txt': 'ü', empty: '' }
    const entries = readZip(await zip(files, options))
    expect(Object.fromEntries(entries.map(({ path, data }) => [path, data.toString()]))).toEqual(files)
  })

  test('with its permissions, below the folder', async () => {
    const folder = temporaryFolder()
    unzip(await zip({ 'bin/run.sh': '#!/bin/sh\n' }, { mode: 0o100755 }), folder)
    expect(readFileSync(join(folder, 'bin/run.sh'), 'utf8')).toBe('#!/bin/sh\n')
    expect(statSync(join(folder, 'bin/run.sh')).mode & 0o777).toBe(0o755)
  })
})

describe('damage is refused', () => {
  test.each<[string, (archive: Buffer) => Buffer, string]>([
    ['no zip', () => Buffer.from('hello, this is plain text'), 'no end-of-directory record'],
    ['cut short', (archive) => archive.subarray(0, archive.length - 30), 'no end-of-directory record'],
    [
      'another byte inside',
      (archive) => Buffer.from(archive.toString('latin1').replace('hello', 'jello'), 'latin1'),
      '"f" is damaged',
    ],
  ])('%s', async (_, damage, message) => {
    const archive = await zip({ f: 'hello hello' }, { compress: false })
    const read = (): unknown => readZip(damage(archive))
    expect(read).toThrow(InvalidZip)
    expect(read).toThrow(message)
  })

  test('a path that leads out of the folder', async () => {
    const archive = await zip({ 'aa/bb/evil': 'x' })
    const evil = Buffer.from(archive.toString('latin1').replaceAll('aa/bb/evil', '../../evil'), 'latin1')
    expect(() => unzip(evil, temporaryFolder())).toThrow('"../../evil" leads out of the folder')
  })
})
