import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { type S3Client, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { takeOverEvaluation } from '../../functions/plan/take-over.ts'
import { stagedKeys, stagingPrefixOfBuild } from '../../functions/shared/keys.ts'
import type { Bucket } from '../../functions/shared/objects.ts'
import { makeFixedOutputPath, makeTextPath } from '../../nix/content-address.ts'
import { parseHash } from '../../nix/hash.ts'
import { serverForThisFile } from '../local/s3/server-fixture.ts'
import { keysOf } from '../local/publish/visible.ts'
import { storePath } from '../unit/functions/graphs.ts'
import { archiveBytes, fileNar, type PathToArchive } from '../unit/nix/archive-bytes.ts'
import { narBytes } from '../unit/nix/nar-tree.ts'
import { forge } from './forged-derivation.ts'
import { frame, raw, zeros } from './zstd-frame.ts'

/*
 * The attacker is the evaluator, or whoever pushed the flake that took it over. All that it can do is to stage an archive and an evaluation below
 * its own prefix. What is refused leaves no graph, no plan and no archive that a builder could import: nothing can be built or published of it.
 */
const RUN = 'push-acme-shells-1'
const ROLE = 'AROAEVALUATOR'
const BUILD = 'hearth-evaluator:1f6ab8c2'
const PREFIX = stagingPrefixOfBuild(ROLE, BUILD)
const TARGET = { repository: 'acme/shells', ref: 'refs/heads/main', commit: '6'.repeat(40) }
/** The C library that every program of every repository loads. */
const GLIBC = storePath('glibc-2.40')

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const running = serverForThisFile([])
let number = 0

interface Place {
  staging: Bucket
  state: Bucket
  put: (key: string, body: string | Uint8Array) => Promise<void>
}

function newPlace(): Place {
  number++
  const bucket = (name: string): Bucket => {
    running.server.createBucket(`${name}-${number}`)
    return { s3: running.s3, name: `${name}-${number}` }
  }
  const [staging, state] = [bucket('staging'), bucket('state')]
  const put: Place['put'] = async (Key, Body) => {
    await running.s3.send(new PutObjectCommand({ Bucket: staging.name, Key, Body }))
  }
  return { staging, state, put }
}

const shellOf = (drvPath: string) => ({
  attribute: 'devShells.x86_64-linux.default',
  system: 'x86_64-linux',
  drvPath,
})
const honest = forge({ name: 'honest' })

/** Stages an archive, and an evaluation that names it. */
async function stage(
  { put }: Place,
  archive: Uint8Array,
  changes: Record<string, unknown> = {},
  pinned = sha256(archive),
): Promise<void> {
  await put(stagedKeys.archive(PREFIX), archive)
  const evaluation = {
    version: 1,
    run: RUN,
    target: TARGET,
    nixVersion: '2.8.0',
    shells: [shellOf(honest.path)],
    archive: { sha256: pinned, bytes: archive.length },
    ...changes,
  }
  await put(stagedKeys.evaluation(PREFIX), JSON.stringify(evaluation))
}

async function refused({ state, staging }: Place, name: string | string[], message = /./): Promise<void> {
  const error: unknown = await takeOverEvaluation(state, staging, ROLE, RUN, BUILD).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  expect([name].flat()).toContain((error as Error).name)
  expect((error as Error).message).toMatch(message)
  expect(await keysOf(state)).toEqual([])
}

const REFUSED = 'ArchiveRefused'
const packed = (...paths: PathToArchive[]): Buffer => zstdCompressSync(archiveBytes(...paths))
type Archive = [name: string, paths: PathToArchive[], message: RegExp]

test('what an honest evaluator stages is taken', async () => {
  const place = newPlace()
  await stage(place, packed(honest))
  await takeOverEvaluation(place.state, place.staging, ROLE, RUN, BUILD)
  expect(await keysOf(place.state)).toEqual([
    `runs/${RUN}/archive.zst`,
    `runs/${RUN}/graph.json.zst`,
    `runs/${RUN}/plans/evaluation.json`,
  ])
})

describe('a derivation that claims what is not its own', () => {
  const base = forge({ name: 'base' })
  const mit = sha256('MIT')
  const fixedPath = makeFixedOutputPath('fixed', 'flat', parseHash(mit, 'sha256'))
  const cases: Archive[] = [
    [
      'glibc as the output of a trivial derivation',
      [forge({ name: 'glibc-2.40', outputs: { out: { path: GLIBC } } })],
      /its output 'out' is .*, and it declares .*-glibc-2\.40/,
    ],
    [
      'glibc as a second output',
      [forge({ name: 'honest', outputs: { out: {}, lib: { path: GLIBC } } })],
      /its output 'lib' is/,
    ],
    [
      "another derivation's output",
      [base, forge({ name: 'thief', outputs: { out: { path: base.out } } })],
      /its output 'out' is .*-thief/,
    ],
    [
      'outputs of one derivation swapped',
      [
        (() => {
          const { text, ...two } = forge({ name: 'two', outputs: { out: {}, dev: {} } })
          const dev = /"dev","([^"]+)"/.exec(text)?.[1] ?? ''
          return forge({ name: 'two', outputs: { out: { path: dev }, dev: { path: two.out } } })
        })(),
      ],
      /its output '(out|dev)' is/,
    ],
    [
      'the right output, and another path in the environment of its builder',
      [forge({ name: 'honest', env: { out: GLIBC } })],
      /its output 'out' is .*-honest, and its builder gets .*-glibc-2\.40/,
    ],
    [
      'a fixed output at the path of glibc',
      [forge({ name: 'glibc-2.40', outputs: { out: { path: GLIBC, hashAlgo: 'sha256', hash: mit } } })],
      /glibc-2\.40/,
    ],
    [
      'a fixed output with the path of another hash',
      [
        forge({
          name: 'fixed',
          outputs: { out: { path: fixedPath, hashAlgo: 'sha256', hash: sha256('evil') } },
        }),
      ],
      /-fixed/,
    ],
    [
      'a fixed output with the path of its NAR instead of its file',
      [forge({ name: 'fixed', outputs: { out: { path: fixedPath, hashAlgo: 'r:sha256', hash: mit } } })],
      /-fixed/,
    ],
    [
      'a fixed output beside another output',
      [
        forge({
          name: 'fixed',
          outputs: { out: { path: fixedPath, hashAlgo: 'sha256', hash: mit }, dev: {} },
        }),
      ],
      /outputs that are/,
    ],
    [
      'a fixed hash that is none',
      [forge({ name: 'fixed', outputs: { out: { path: fixedPath, hashAlgo: 'sha256', hash: 'zz' } } })],
      /a hash without an algorithm, or not in base16/,
    ],
    [
      'the hash of an input that it does not have',
      [
        base,
        forge({ name: 'liar', inputs: [base], outputs: { out: { path: forge({ name: 'liar' }).out } } }),
      ],
      /its output 'out' is/,
    ],
    [
      'an output that its input does not have',
      [base, forge({ name: 'liar', inputs: [base], uses: ['toString'] })],
      /has no such output/,
    ],
    [
      'an output that the input of a fixed output does not have',
      [
        base,
        forge({
          name: 'fixed',
          inputs: [base],
          uses: ['constructor'],
          outputs: { out: { path: fixedPath, hashAlgo: 'sha256', hash: mit } },
        }),
      ],
      /has no such output/,
    ],
    ['no outputs at all', [forge({ name: 'none', outputs: {} })], /it has no outputs/],
    [
      'a name that no store path may have',
      [{ ...honest, path: honest.path.replace('-honest', '-../honest') }],
      /store path/,
    ],
  ]
  test.each(cases)('%s', async (_, paths, message) => {
    const place = newPlace()
    await stage(place, packed(...paths), {
      shells: paths.map(({ path }) => shellOf(path)).filter(({ drvPath }) => !drvPath.includes('..')),
    })
    await refused(place, REFUSED, message)
  })
})

describe('a path in the archive that is not what its name says', () => {
  const source = 'a script'
  const text = makeTextPath('script', sha256(source), [])
  const cases: Archive[] = [
    [
      'a forged glibc, which nix-store --import would take',
      [{ path: GLIBC, nar: fileNar('evil', true) }],
      /cannot be accepted/,
    ],
    [
      'a .drv with other contents than its path',
      [{ ...honest, nar: fileNar(forge({ name: 'evil' }).text) }],
      /its path names/,
    ],
    ['a .drv that is no derivation', [drvOf('Derive(')], /not a derivation/],
    ['a .drv with a second term behind it', [drvOf(`${honest.text}Derive()`)], /not a derivation/],
    [
      'a .drv that is a directory',
      [{ path: honest.path, nar: narBytes('nix-archive-1', '(', 'type', 'directory', ')') }],
      /no single file/,
    ],
    ['a .drv that is executable', [{ ...honest, nar: fileNar(honest.text, true) }], /no single file/],
    [
      'a .drv of 17 MiB',
      [drvOf(honest.text.replace('"name"', `"aa","${'x'.repeat(17 * 2 ** 20)}"),("name"`))],
      /too large|its path names/,
    ],
    ['a .drv that hides an input from its references', [hidden()], /does not refer to|its path names/],
    ['a source with other contents', [{ path: text, nar: fileNar('evil') }], /cannot be accepted/],
    [
      'a source under another name',
      [{ path: text.replace('-script', '-glibc-2.40'), nar: fileNar(source) }],
      /cannot be accepted/,
    ],
    [
      'a source with another reference',
      [honest, { path: text, nar: fileNar(source), references: [honest.path] }],
      /cannot be accepted/,
    ],
    [
      'a source that refers to what is not there',
      [{ path: text, nar: fileNar(source), references: [GLIBC] }],
      /which does not come before it/,
    ],
    [
      'an input-addressed output beside its derivation',
      [honest, { path: honest.out, nar: fileNar('evil') }],
      /cannot be accepted/,
    ],
    ['a path twice, the second forged', [honest, { ...honest, nar: fileNar('evil') }], /twice/],
    ['a path outside of the store', [{ path: '/etc/passwd', nar: fileNar('root::0:0') }], /not a store path/],
    [
      'a path that climbs',
      [{ path: '/nix/store/../../etc/passwd', nar: fileNar('root::0:0') }],
      /not a store path/,
    ],
    [
      'an old signature, as Nix 1 wrote it',
      [{ path: GLIBC, nar: fileNar('evil'), signature: 'trust me' }],
      /cannot be accepted/,
    ],
    [
      'references that are not sorted',
      [{ ...honest, references: [storePath('b'), storePath('a')].toSorted().toReversed() }],
      /does not sort after/,
    ],
    [
      '100,001 references',
      [{ ...honest, references: Array.from({ length: 100_001 }, () => GLIBC) }],
      /100001 references/,
    ],
  ]
  test.each(cases)('%s', async (_, paths, message) => {
    const place = newPlace()
    await stage(place, packed(...paths))
    await refused(place, REFUSED, message)
  })

  function drvOf(contents: string): PathToArchive {
    return { path: makeTextPath('odd.drv', sha256(contents), []), nar: fileNar(contents) }
  }

  function hidden(): PathToArchive {
    const { text: using } = forge({ name: 'using', inputs: [honest] })
    return drvOf(using)
  }
})

describe('bytes that are no archive', () => {
  const whole = packed(honest)
  const plain = archiveBytes(honest)
  const cases: [name: string, bytes: Uint8Array][] = [
    ['an archive cut short, compressed whole', zstdCompressSync(plain.subarray(0, -8))],
    ['an archive whose file is cut short', whole.subarray(0, -20)],
    ['bytes behind its end', zstdCompressSync(Buffer.concat([plain, Buffer.alloc(8)]))],
    ['two archives', zstdCompressSync(Buffer.concat([plain, plain]))],
    ['text', zstdCompressSync('no archive')],
    ['an archive that is not compressed', plain],
    ['nothing', Buffer.alloc(0)],
    ['a count of 2^63', zstdCompressSync(Buffer.from('0000000000000080', 'hex'))],
    ['1 GiB of zeros out of 32 kB', frame(zeros(2 ** 30))],
    [
      '1 GiB of zeros in a file',
      frame([
        ...raw(
          Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), fileNar('').subarray(0, 88), size(2 ** 30)]),
        ),
        ...zeros(2 ** 30),
      ]),
    ],
    ['a window of 2 GiB', frame(raw(plain), 31)],
  ]
  test.each(cases)('%s', async (_, bytes) => {
    const place = newPlace()
    await stage(place, bytes)
    await refused(place, REFUSED)
  })

  test('an archive that goes on behind the end of its zstd frame, for whoever imports it', async () => {
    const place = newPlace()
    await stage(place, Buffer.concat([whole, packed({ path: GLIBC, nar: fileNar('evil') })]))
    await refused(place, REFUSED, /behind the end of its zstd frame/)
  })
})

describe('another archive than was verified', () => {
  const forged = packed({ path: GLIBC, nar: fileNar('evil') })

  test('another one than the evaluation names', async () => {
    const place = newPlace()
    await stage(place, packed(honest), {}, sha256(forged))
    await refused(place, REFUSED, /and its evaluation says/)
  })

  test('exchanged between verification and copy', async () => {
    const place = newPlace()
    await stage(place, packed(honest))
    const s3: S3Client = running.server.client()
    onTestFinished(() => s3.destroy())
    let isCopying = false
    s3.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'CopyObjectCommand') {
          isCopying = true
          await place.put(stagedKeys.archive(PREFIX), forged)
        }
        return next(args)
      },
      { step: 'initialize' },
    )
    const watched = { staging: { ...place.staging, s3 }, state: { ...place.state, s3 }, put: place.put }
    await refused(watched, ['PreconditionFailed', REFUSED])
    expect(isCopying).toBe(true)
  })

  test('exchanged after the first wave: every later one reads the copy', async () => {
    const place = newPlace()
    await stage(place, packed(honest))
    const first = await takeOverEvaluation(place.state, place.staging, ROLE, RUN, BUILD)
    const keys = await keysOf(place.state)
    await stage(place, forged, { shells: [shellOf(forge({ name: 'evil' }).path)] })
    expect(await takeOverEvaluation(place.state, place.staging, ROLE, RUN, BUILD)).toEqual(first)
    expect(await keysOf(place.state)).toEqual(keys)
  })

  test("another build's: its prefix is not read", async () => {
    const place = newPlace()
    const other = stagingPrefixOfBuild(ROLE, 'hearth-evaluator:other')
    await place.put(stagedKeys.evaluation(other), JSON.stringify({ version: 1 }))
    await refused(place, 'EvaluationLost')
  })
})

describe('an evaluation that is none', () => {
  const invalid = 'EvaluationRefused'
  const cases: [name: string, changes: Record<string, unknown>][] = [
    ['shells that are no list', { shells: { length: 1 } }],
    ['a shell without an attribute', { shells: [{ drvPath: honest.path, system: 'x86_64-linux' }] }],
    ['a shell whose derivation every object has', { shells: [shellOf('constructor')] }],
    ['a shell whose derivation is the prototype', { shells: [shellOf('__proto__')] }],
    ['a shell that is no derivation', { shells: [shellOf(GLIBC)] }],
    ['a shell outside of the store', { shells: [shellOf('/etc/passwd.drv')] }],
    ['an attribute of 1 MiB', { shells: [{ ...shellOf(honest.path), attribute: 'x'.repeat(2 ** 20) }] }],
    ["another run's evaluation", { run: 'push-acme-other-2' }],
    ['another version of the format', { version: 2 }],
    ['an archive without a hash', { archive: {} }],
    ['a hash in another form', { archive: { sha256: 'A'.repeat(64), bytes: 1 } }],
    [
      'an error that the state machine would try again',
      { error: { name: 'UpstreamUnavailable', message: 'x' } },
    ],
    ['an error of the state machine’s own', { error: { name: 'States.Timeout', message: 'x' } }],
  ]
  test.each(cases)('%s', async (_, changes) => {
    const place = newPlace()
    await stage(place, packed(honest), changes)
    await refused(place, invalid)
  })

  test.each<[string, () => string, string]>([
    ['text', () => 'evaluated', invalid],
    ['null', () => 'null', invalid],
    ['a million brackets', () => '['.repeat(1_000_000), invalid],
    ['100 MB', () => '{}'.padEnd(100 * 2 ** 20), 'ObjectTooLarge'],
  ])('%s', async (_, text, name) => {
    const place = newPlace()
    await place.put(stagedKeys.evaluation(PREFIX), text())
    await refused(place, name)
  })
})

test('a shell that the archive does not hold costs only itself', async () => {
  const place = newPlace()
  const gone = storePath('gone.drv')
  await stage(place, packed(honest), { shells: [shellOf(gone), shellOf(honest.path)] })
  const { shells } = await takeOverEvaluation(place.state, place.staging, ROLE, RUN, BUILD)
  expect(shells).toMatchObject([
    { error: expect.stringContaining('does not hold') as string },
    { drvPath: honest.path },
  ])
})

function size(bytes: number): Buffer {
  const word = Buffer.alloc(8)
  word.writeBigUInt64LE(BigInt(bytes))
  return word
}
