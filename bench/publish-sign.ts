import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatSecretKey, generateSecretKey } from '../nix/signature.ts'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { compareSignedCaches, writeNarInfoCache } from './narinfo-cache.ts'
import { NIX_OPTIONS, nixVersion } from './nix-command.ts'
import { seriesOf } from './statistics.ts'

const NARINFOS = 10_000

/**
 * Signing a binary cache in a folder: read each narinfo, fingerprint and sign it, write it again. Nix signs on every core, so what is compared is CPU time: the
 * work per core. Both sides end with the same bytes in every file, which is checked. `details` says what the fingerprints and signatures alone cost us, for
 * Publish has narinfos in memory and writes them to S3.
 */
export const publishSign: Figure = {
  name: 'publish.sign',
  compares: 'parse, fingerprint, sign and write narinfos against `nix store sign --all`',
  measure: 'cpu',
  target: 1.5,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-sign-'))
  const inFolder = (name: string): string => join(folder, name)
  const [unsigned, ours, theirs, key] = [
    inFolder('unsigned'),
    inFolder('ours'),
    inFolder('theirs'),
    inFolder('key'),
  ]
  progress(`writing ${NARINFOS} narinfos`)
  const bytes = writeNarInfoCache(unsigned, NARINFOS)
  writeFileSync(key, formatSecretKey(generateSecretKey('bench-1')))
  const restore = (cache: string): void => {
    rmSync(cache, { recursive: true, force: true })
    cpSync(unsigned, cache, { recursive: true })
  }
  const sign = ['store', 'sign', '--all', '--key-file', key, '--store', `file://${theirs}`]
  return {
    ours: {
      label: 'Hearth, one process, one thread',
      command: [process.execPath, bundleSide('sign-cache', folder), ours, key],
      reset: () => restore(ours),
    },
    theirs: {
      label: 'nix store sign --all',
      command: ['nix', ...NIX_OPTIONS, ...sign],
      reset: () => restore(theirs),
    },
    sizes: { narinfos: NARINFOS, bytes, bytesPerNarinfo: Math.round(bytes / NARINFOS) },
    versions: { nix: version },
    check: () => compareSignedCaches(ours, theirs),
    details(runs) {
      const alone = seriesOf(runs.map(({ ours }) => NARINFOS / Number(ours.printed))).median
      const byNix = seriesOf(runs.map(({ theirs }) => NARINFOS / theirs.cpu)).median
      return { fingerprintAndSignPerCpuSecond: alone, nixStoreSignPerCpuSecond: byNix }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
