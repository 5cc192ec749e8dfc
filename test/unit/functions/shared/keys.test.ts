import { describe, expect, test } from 'vitest'
import { batchId, parseBatchId } from '../../../../functions/shared/batch-id.ts'
import {
  cacheKeys,
  stagedKeys,
  stagingPrefix,
  stagingPrefixOfBatch,
  stagingPrefixOfBuild,
  stateKeys,
} from '../../../../functions/shared/keys.ts'

const HASH = '0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp'
const FILE = '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'

describe('the cache has the layout that Nix reads', () => {
  test.each([
    [cacheKeys.info, 'nix-cache-info'],
    [cacheKeys.narinfo(HASH), `${HASH}.narinfo`],
    [cacheKeys.nar(FILE), `nar/${FILE}.nar.zst`],
    [cacheKeys.log(`${HASH}-hello.drv`), `log/${HASH}-hello.drv`],
  ])('%s', (key, expected) => {
    expect(key).toBe(expected)
  })
})

describe('a build stages below what its role session is called, and nowhere else', () => {
  // IAM user guide, `aws:userid` of an assumed role: `<role id>:<role session name>`
  const prefix = 'staging/AROAEXAMPLE:AWSCodeBuild-1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b/'

  test('which CodeBuild names after the build', () => {
    const build = 'hearth-builder:1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b'
    expect(stagingPrefixOfBuild('AROAEXAMPLE', build)).toBe(prefix)
    expect(stagingPrefix('AROAEXAMPLE:AWSCodeBuild-1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b')).toBe(prefix)
  })

  test.each([
    [stagedKeys.evaluation(prefix), 'evaluation.json'],
    [stagedKeys.archive(prefix), 'archive.zst'],
    [stagedKeys.result(prefix, `${HASH}-hello.drv`), `results/${HASH}-hello.drv.json`],
    [stagedKeys.narinfo(prefix, HASH), `${HASH}.narinfo`],
    [stagedKeys.nar(prefix, FILE), `nar/${FILE}.nar.zst`],
  ])('%s', (key, expected) => {
    expect(key).toBe(prefix + expected)
  })
})

const X86 = { system: 'x86_64-linux', slot: 1 }

describe('the state of two things never shares a key', () => {
  test.each([
    [
      'shells of two branches, one with a slash in its name',
      stateKeys.root('acme/shells', 'refs/heads/a/b', 'c'),
      stateKeys.root('acme/shells', 'refs/heads/a', 'b/c'),
    ],
    [
      'the newest run of a branch, and the deletion of another',
      stateKeys.newestRun('acme/shells', 'refs/heads/main.deleted'),
      stateKeys.deletedRef('acme/shells', 'refs/heads/main'),
    ],
    [
      'batches of two waves',
      stateKeys.batch('r', batchId({ wave: 1, lane: X86, number: 1 })),
      stateKeys.batch('r', batchId({ wave: 2, lane: X86, number: 1 })),
    ],
    [
      'the eleventh batch of the first lane, and the first of the eleventh',
      stateKeys.batch('r', batchId({ wave: 1, lane: X86, number: 11 })),
      stateKeys.batch('r', batchId({ wave: 1, lane: { ...X86, slot: 11 }, number: 1 })),
    ],
    [
      'the batches of one machine, of two runs',
      stagingPrefixOfBatch('AROA:m', 'r', '1-x86_64-linux-1-1'),
      stagingPrefixOfBatch('AROA:m', 's', '1-x86_64-linux-1-1'),
    ],
    [
      'a derivation that is claimed, and one that is published',
      stateKeys.claim(HASH),
      stateKeys.published(HASH),
    ],
    ['a plan and the evaluation beside it', stateKeys.plan('r', 1), stateKeys.evaluation('r')],
  ])('%s', (_, one, other) => {
    expect(one).not.toBe(other)
  })

  test('a root can be read back from its key', () => {
    expect(stateKeys.root('acme/shells', 'refs/heads/a/b', 'x86_64-linux devShells.default')).toBe(
      'roots/acme/shells/refs%2Fheads%2Fa%2Fb/x86_64-linux%20devShells.default.json',
    )
  })
})

describe('a batch says in its id who took it, and when', () => {
  test.each([
    ['1-x86_64-linux-1-1', { wave: 1, lane: X86, number: 1 }],
    ['12-aarch64-darwin-40-103', { wave: 12, lane: { system: 'aarch64-darwin', slot: 40 }, number: 103 }],
    // systems have a dash of their own, and nothing says that they have no more
    ['2-armv7l-none-linux-3-4', { wave: 2, lane: { system: 'armv7l-none-linux', slot: 3 }, number: 4 }],
  ])('%s', (id, name) => {
    expect(batchId(name)).toBe(id)
    expect(parseBatchId(id)).toEqual(name)
  })
})
