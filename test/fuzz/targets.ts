import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint, parseNarInfo } from '../../nix/narinfo.ts'
import { formatPublicKey, formatSecretKey, parsePublicKey, parseSecretKey } from '../../nix/signature.ts'
import { fromBaseName } from '../../nix/store-path.ts'
import type { Target } from './target.ts'
import { archiveTarget } from './targets/archive.ts'
import { derivationTarget } from './targets/derivation.ts'
import { hashTarget } from './targets/hash.ts'
import { keyTarget } from './targets/key.ts'
import { narTarget } from './targets/nar.ts'
import { narInfoTarget } from './targets/narinfo.ts'
import { storePathTarget } from './targets/store-path.ts'

/** Where inputs are kept: `<target>/`, real ones, and `<target>-regressions/`, inputs that once were findings. */
const CORPUS = join(import.meta.dirname, 'corpus')

/** A target, and what the fuzzer starts from. */
export interface Subject {
  target: Target
  /** inputs that are taken */
  real: Buffer[]
  /** inputs that were findings once; taken or not */
  regressions: Buffer[]
}

/** Every target with its corpus. `weight`: how often it has its turn, out of the sum of all. */
export function loadSubjects(): (Subject & { weight: number })[] {
  const narinfos = read('narinfo').map(({ bytes }) => bytes)
  const infos = narinfos.map((bytes) => parseNarInfo(bytes.toString('utf8')))
  const publicKeys = readFileSync(join(CORPUS, 'public-keys'), 'utf8').trim().split('\n')
  const derivations = read('derivation')
  const nars = read('nar').map(({ bytes }) => bytes)
  const [info] = infos
  if (info === undefined) throw new Error(`there are no narinfos in ${CORPUS}`)
  const secret = formatSecretKey(parseSecretKey(SECRET_OF_ZEROS))
  const texts = (all: string[]): Buffer[] => all.map((text) => Buffer.from(text))
  const subject = (weight: number, target: Target, real: Buffer[]): Subject & { weight: number } => ({
    weight,
    target,
    real,
    regressions: read(`${target.name}-regressions`).map(({ bytes }) => bytes),
  })
  return [
    subject(4, narInfoTarget(narinfos, publicKeys.map(parsePublicKey)), narinfos),
    subject(
      4,
      derivationTarget(new Map(derivations.map(({ name, bytes }) => [fromBaseName(name), bytes]))),
      derivations.map(({ bytes }) => bytes),
    ),
    subject(4, narTarget(infos.map(({ storePath }) => storePath.slice(11, 43))), nars),
    subject(
      2,
      archiveTarget(),
      read('archive').map(({ bytes }) => bytes),
    ),
    subject(
      1,
      keyTarget({ fingerprint: fingerprint(info), publicKeys, signatures: info.signatures }),
      texts([...publicKeys.map(parsePublicKey).map(formatPublicKey), secret, ...info.signatures]),
    ),
    subject(1, hashTarget(), texts(HASHES)),
    subject(1, storePathTarget(), texts(infos.map(({ storePath }) => storePath))),
  ]
}

// The key whose seed is 32 zero bytes: not worth keeping secret.
const SECRET_OF_ZEROS =
  'zeros-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ=='

/** One of every algorithm and every form: `printf content | <algorithm>sum`. */
const HASHES = [
  'md5:9a0364b9e99bb480dd25e1f0284c8555',
  'sha1:040f06fd774092478d450774f5ba30c5da78acc8',
  'sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73',
  'sha256-7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=',
  'sha256:0wwzxjwrf8j3r4z6s0dnpl7p6i0lmhmq4z9m49gq9b7976s04w7d',
  'sha512:b2d1d285b5199c85f988d03649c37e44fd3dde01e5d69c50fef90651962f48110e9340b60d49a479c4c0b53f5f07d690686dd87d2481937a512e8b85ee7c617f',
]

function read(folder: string): { name: string; bytes: Buffer }[] {
  const path = join(CORPUS, folder)
  const names = existsSync(path) ? readdirSync(path).sort() : []
  return names.map((name) => ({ name, bytes: readFileSync(join(path, name)) }))
}
