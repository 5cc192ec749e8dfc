import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { ArchiveRefused, NixFailed } from './errors.ts'
import { Measure } from '../../functions/shared/measure.ts'
import { nixFailed } from './nix-command.ts'
import { eachLine, startProcess } from './processes.ts'

/**
 * Downloads an archive and imports it into the store, once its hash is the pinned one; nothing of another archive reaches Nix.
 * @param pinned SHA-256 in base16
 * @throws ArchiveRefused when it is another archive
 */
export async function importArchive(
  from: { s3: S3Client; bucket: string; key: string; sha256: string },
  path: string,
  environment: Record<string, string>,
): Promise<void> {
  const { Body } = await from.s3.send(new GetObjectCommand({ Bucket: from.bucket, Key: from.key }))
  if (!(Body instanceof Readable)) throw new ArchiveRefused(`${from.bucket}/${from.key} has no content`)
  const file = new Measure()
  await pipeline(Body, file, createWriteStream(path))
  const sha256 = file.sha256().toString('hex')
  if (sha256 !== from.sha256) {
    throw new ArchiveRefused(
      `${from.bucket}/${from.key} has SHA-256 ${sha256}, but the batch pins ${from.sha256}: it was altered, nothing of it is imported`,
    )
  }
  await importFile(path, environment)
  await rm(path)
}

async function importFile(path: string, environment: Record<string, string>): Promise<void> {
  const child = startProcess('nix-store', ['--import'], { environment, input: true })
  if (child.stdin === null) throw new NixFailed('nix-store --import has no standard input')
  let stderr = ''
  const read = [
    eachLine(child.stderr, (line) => void (stderr += `${line}\n`)),
    // It prints the paths that it imports, which must not fill the pipe.
    eachLine(child.stdout, () => {}),
  ]
  const [fed, ending] = await Promise.allSettled([
    pipeline(createReadStream(path), createZstdDecompress(), child.stdin),
    child.ended,
    ...read,
  ])
  if (ending.status === 'rejected') throw ending.reason
  // When Nix refuses the content it stops reading, and its own words say more than the broken pipe.
  if (ending.value.status !== 0) throw nixFailed(['nix-store', '--import'], { ...ending.value, stderr })
  if (fed.status === 'rejected') throw fed.reason
}
