import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { takeOverEvaluation } from '../../../../functions/plan/take-over.ts'
import { readGraph } from '../../../../functions/shared/graph.ts'
import { makeFixedOutputPath, makeTextPath } from '../../../../nix/content-address.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { archiveBytes, fileNar, type PathToArchive } from '../../nix/archive-bytes.ts'
import { Buckets } from '../buckets.ts'

const RUN = 'push-acme-shells-1'
const BUILD = 'hearth-evaluator:1f6ab8c2'
const STAGED = 'staging/staging/AROAEVALUATOR:AWSCodeBuild-1f6ab8c2/'
const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A fixed-output derivation of the file whose contents are `MIT`, with any output path that its author likes. */
function fixedOutput(outputPath?: StorePath): PathToArchive & { path: StorePath; out: StorePath } {
  const hash = sha256('MIT')
  const out =
    outputPath ??
    makeFixedOutputPath('licences.txt', 'flat', { algorithm: 'sha256', digest: Buffer.from(hash, 'hex') })
  const text =
    `Derive([("out","${out}","sha256","${hash}")],[],[],"x86_64-linux","/bin/sh",["-c","echo -n MIT > $out"],` +
    `[("builder","/bin/sh"),("name","licences.txt"),("out","${out}"),("outputHash","${hash}"),("outputHashAlgo","sha256"),` +
    '("outputHashMode","flat"),("system","x86_64-linux")])'
  return { path: makeTextPath('licences.txt.drv', sha256(text), []), nar: fileNar(text), out }
}

const shell = (drvPath: string) => ({
  attribute: 'packages.x86_64-linux.licences',
  system: 'x86_64-linux',
  drvPath,
})
const broken = { attribute: 'devShells.x86_64-linux.broken', system: 'x86_64-linux', error: 'broken' }
const evaluation = {
  version: 1,
  run: RUN,
  target: {
    repository: 'acme/shells',
    ref: 'refs/heads/main',
    commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
  },
  nixVersion: '2.8.0',
  shells: [broken],
}

/** Plan's own copy of it. */
const first = { ...evaluation, round: { number: 1, build: BUILD, neededBefore: {} } }

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})

/** Stages an evaluation with an archive of these paths. */
function stage(
  paths: PathToArchive[],
  shells: object[],
  changed: { sha256?: string; bytes?: Uint8Array } = {},
  build = BUILD,
): void {
  const prefix = STAGED.replace(BUILD.slice(BUILD.indexOf(':') + 1), build.slice(build.indexOf(':') + 1))
  const archive = changed.bytes ?? zstdCompressSync(archiveBytes(...paths))
  buckets.put(`${prefix}archive.zst`, archive)
  const pinned = { sha256: changed.sha256 ?? sha256(archive), bytes: archive.length }
  buckets.put(`${prefix}evaluation.json`, { ...evaluation, shells, archive: pinned })
}
const takeOver = (build = BUILD) =>
  takeOverEvaluation(buckets.bucket('state'), buckets.bucket('staging'), 'AROAEVALUATOR', RUN, build)

describe("the first wave takes the evaluation over from the evaluator's prefix", () => {
  test('the graph is made from what the archive proves, and the archive is copied as it was read; the evaluation is last', async () => {
    const licences = fixedOutput()
    stage([licences], [shell(licences.path), broken])
    expect((await takeOver()).shells).toEqual([shell(licences.path), broken])
    expect(buckets.written).toEqual([
      `state/runs/${RUN}/archive.zst`,
      `state/runs/${RUN}/graph.json.zst`,
      `state/runs/${RUN}/plans/evaluation.json`,
    ])
    expect((await readGraph(buckets.bucket('state'), RUN)).derivations).toEqual({
      [licences.path]: {
        name: 'licences.txt',
        system: 'x86_64-linux',
        outputs: { out: licences.out },
        inputDrvs: {},
        inputSrcs: [],
        requiredSystemFeatures: [],
        allowSubstitutes: true,
        fixedOutput: { algorithm: 'sha256', hash: sha256('MIT'), method: 'flat' },
      },
    })
  })

  test('without an archive, when no shell evaluates', async () => {
    buckets.put(`${STAGED}evaluation.json`, evaluation)
    expect(await takeOver()).toEqual(first)
    expect(buckets.keys('state')).toEqual([`runs/${RUN}/plans/evaluation.json`])
  })

  test('a shell whose derivation is not in the archive gets an error, and hides no other', async () => {
    const licences = fixedOutput()
    const gone = '/nix/store/00000000000000000000000000000000-gone.drv'
    stage([licences], [shell(gone), shell(licences.path)])
    expect((await takeOver()).shells).toEqual([
      {
        attribute: 'packages.x86_64-linux.licences',
        system: 'x86_64-linux',
        error: `the evaluation's archive does not hold its derivation ${gone}`,
        isPassing: true,
      },
      shell(licences.path),
    ])
  })
})

test('of the inputs to keep warm only those stay that the archive proves', async () => {
  const text = 'a source'
  const path = makeTextPath('source', sha256(text), [])
  const gone = '/nix/store/00000000000000000000000000000000-source'
  const archive = zstdCompressSync(archiveBytes({ path, nar: fileNar(text) }))
  buckets.put(`${STAGED}archive.zst`, archive)
  const pinned = { sha256: sha256(archive), bytes: archive.length }
  buckets.put(`${STAGED}evaluation.json`, { ...evaluation, archive: pinned, flakeInputs: [gone, path] })
  expect((await takeOver()).flakeInputs).toEqual([path])
})

describe('every later wave reads the copy', () => {
  test('whatever the evaluator stages meanwhile', async () => {
    buckets.put(`${STAGED}evaluation.json`, evaluation)
    await takeOver()
    buckets.put(`${STAGED}evaluation.json`, { ...evaluation, nixVersion: 'altered' })
    expect(await takeOver()).toEqual(first)
  })
  test('also when the evaluator’s prefix has expired', async () => {
    buckets.put(`${STAGED}evaluation.json`, evaluation)
    await takeOver()
    buckets.objects.delete(`${STAGED}evaluation.json`)
    expect(await takeOver()).toEqual(first)
  })
})

describe('an evaluation that followed on another takes its place', () => {
  const AGAIN = 'hearth-evaluator:7c0de2aa'
  const needs = { [fixedOutput().path]: ['out'] }
  const waiting = { attribute: 'packages.x86_64-linux.licences', system: 'x86_64-linux', needs }

  test('and remembers what the one before lacked', async () => {
    stage([fixedOutput()], [waiting])
    expect((await takeOver()).shells).toEqual([waiting])
    stage([fixedOutput()], [shell(fixedOutput().path)], {}, AGAIN)
    const second = await takeOver(AGAIN)
    expect(second.shells).toEqual([shell(fixedOutput().path)])
    expect(second.round).toEqual({
      number: 2,
      build: AGAIN,
      neededBefore: { [`${waiting.attribute} ${waiting.system}`]: needs },
    })
    expect(await takeOver(AGAIN)).toEqual(second)
  })

  test.each([
    ['a derivation', { '/nix/store/00000000000000000000000000000000-gone.drv': ['out'] }, 'gone.drv'],
    ['an output', { [fixedOutput().path]: ['doc'] }, "an output 'doc' of"],
  ])(
    'an import of %s that the archive does not hold is an error of its attribute',
    async (_, lacking, words) => {
      stage(
        [fixedOutput()],
        [
          { ...waiting, needs: lacking },
          { ...shell(fixedOutput().path), imported: lacking },
        ],
      )
      const { attribute, system } = waiting
      const refused = { attribute, system, error: expect.stringContaining(words), isPassing: true }
      expect((await takeOver()).shells).toEqual([refused, refused])
    },
  )

  test.each([
    ['no derivation', { '/nix/store/00000000000000000000000000000000-gone': ['out'] }],
    ['no output', { [fixedOutput().path]: [] }],
    ['an output that is no name', { [fixedOutput().path]: ['../out'] }],
  ])('imports of %s are refused', async (_, imported) => {
    stage([fixedOutput()], [{ ...shell(fixedOutput().path), imported }])
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationRefused' })
  })
})

describe('nothing of an evaluator is trusted', () => {
  const glibc = '/nix/store/00000000000000000000000000000000-glibc-2.40' as StorePath
  const licences = fixedOutput()
  const whole = zstdCompressSync(archiveBytes(licences))
  test.each<[string, PathToArchive[], { sha256?: string; bytes?: Uint8Array }, string]>([
    [
      'another archive than the evaluation names',
      [licences],
      { sha256: '0'.repeat(64) },
      'and its evaluation says 0000',
    ],
    ['a derivation that claims a well-known path as its output', [fixedOutput(glibc)], {}, 'glibc-2.40'],
    [
      'a derivation with other contents than its path names',
      [{ ...licences, nar: fileNar('Derive([],[],[],"","",[],[])') }],
      {},
      'is not the derivation that its path names',
    ],
    [
      'a forged glibc that an import would take',
      [licences, { path: glibc, nar: fileNar('evil', true) }],
      {},
      'cannot be accepted from an archive',
    ],
    [
      'an archive that ends early',
      [licences],
      { bytes: whole.subarray(0, whole.length - 20) },
      "the evaluator's archive",
    ],
    [
      'bytes that are no archive',
      [licences],
      { bytes: zstdCompressSync('no archive') },
      "the evaluator's archive",
    ],
    ['a file that is not zstd', [licences], { bytes: Buffer.from('not zstd') }, "the evaluator's archive"],
  ])('%s', async (_, paths, changed, message) => {
    stage(paths, [shell(licences.path)], changed)
    await expect(takeOver()).rejects.toMatchObject({
      name: 'ArchiveRefused',
      message: expect.stringContaining(message) as string,
    })
    expect(buckets.keys('state')).toEqual([])
  })
})

describe('what an evaluator did not leave', () => {
  test('anything', async () => {
    const message = `the evaluator ${BUILD} left no evaluation: its log says what happened`
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationLost', message })
  })
  test('the archive', async () => {
    stage([fixedOutput()], [broken])
    buckets.objects.delete(`${STAGED}archive.zst`)
    const message = "the evaluator's staging/AROAEVALUATOR:AWSCodeBuild-1f6ab8c2/archive.zst is gone"
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationLost', message })
    expect(buckets.keys('state')).toEqual([])
  })
  test('another build’s evaluation is not read in its stead', async () => {
    buckets.put('staging/staging/AROAEVALUATOR:AWSCodeBuild-other/evaluation.json', evaluation)
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationLost' })
  })
})

test('a source that gives nothing to warm ends the run with the name that the evaluator gave it', async () => {
  const error = { name: 'FlakeDoesNotEvaluate', message: 'flake.nix: syntax error at line 3' }
  buckets.put(`${STAGED}evaluation.json`, { ...evaluation, shells: [], error })
  await expect(takeOver()).rejects.toMatchObject(error)
})
