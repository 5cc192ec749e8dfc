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
 * Fingerprint and sign, per core, as Publish does with narinfos that it has in memory and writes to S3: the CPU time of that part of our process against
 * the whole of Nix's command, which also reads and writes the files of a folder. `publish.sign.files` compares the same work to the last file.
 */
export const publishSign: Figure = {
  name: 'publish.sign',
  compares:
    'fingerprint and sign narinfos in memory, against the whole of `nix store sign --all` on a folder of them',
  measure: 'cpu',
  target: 1.5,
  prepare: (progress) => {
    const pair = prepare(progress)
    return { ...pair, ours: { ...pair.ours, countedCpu: Number, label: `${pair.ours.label}, signing alone` } }
  },
}

/** Both sides read each narinfo of a folder, sign it and write it again. Node's file system calls and Ed25519 (OpenSSL's portable C) cost more than Nix's. */
export const publishSignFiles: Figure = {
  name: 'publish.sign.files',
  compares: 'read, parse, fingerprint, sign and write narinfos, against `nix store sign --all`',
  measure: 'cpu',
  target: 1,
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
