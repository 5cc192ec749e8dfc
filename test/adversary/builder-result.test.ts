import { describe, expect, test } from 'vitest'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { baseNameOf } from '../../nix/store-path.ts'
import { keysOf } from '../local/publish/visible.ts'
import { prefixOf, type World } from '../local/publish/world.ts'
import { attacksOfABuilder, BUILD, drv, HONEST, type Line, out, victimsOfThisFile } from './victim.ts'

/*
 * The attacker is a builder: beside an honest NAR of `app` it stages any JSON it likes as its word about the build.
 */
const repelled = attacksOfABuilder()

const INVALID = 'StagedResultInvalid'
const resultKey = stagedKeys.result(prefixOf(BUILD), baseNameOf(drv('app')))
const HONEST_RESULT = { version: 1, drvPath: drv('app'), status: 'built', seconds: 1, inputs: {} }

/** Stages an honest output, and this text as the result. */
const says =
  (text: string | (() => string)) =>
  async (world: World): Promise<void> => {
    await world.stage(out('app'), HONEST)
    await world.put(world.staging, resultKey, typeof text === 'string' ? text : text())
  }
const result = (changes: object) => says(JSON.stringify({ ...HONEST_RESULT, ...changes }))
const MEBIBYTE = 1024 * 1024

describe('a result that is none', () => {
  const lines: Line[] = [
    ['text', says('built'), INVALID, /is not JSON/],
    ['nothing', says(''), INVALID, /is not JSON/],
    ['JSON cut short', says(JSON.stringify(HONEST_RESULT).slice(0, -1)), INVALID, /is not JSON/],
    ['UTF-16', says(Buffer.from(JSON.stringify(HONEST_RESULT), 'utf16le').toString('latin1')), INVALID],
    ['null', says('null'), INVALID],
    ['a list', says(JSON.stringify([HONEST_RESULT])), INVALID],
    ['a million brackets', says('['.repeat(1_000_000)), INVALID],
    ['a million brackets that are closed', says('['.repeat(1_000_000) + ']'.repeat(1_000_000)), INVALID],
    ['100 MB', says(() => JSON.stringify(HONEST_RESULT).padEnd(100 * MEBIBYTE)), 'ObjectTooLarge'],
    [
      'a byte more than 8 MiB',
      says(() => JSON.stringify(HONEST_RESULT).padEnd(8 * MEBIBYTE + 1)),
      'ObjectTooLarge',
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('a result of wrong types', () => {
  const lines: Line[] = [
    ["another derivation's name", result({ drvPath: drv('glibc') }), INVALID, /is about .*-glibc\.drv$/],
    ['the name in a list', result({ drvPath: [drv('app')] }), INVALID],
    ['another version of the format', result({ version: 2 }), INVALID],
    ['an unknown status', result({ status: 'published' }), INVALID],
    ['a status that every object has', result({ status: 'constructor' }), INVALID],
    ['a time that runs backwards', result({ seconds: -1 }), INVALID],
    [
      'a time without end',
      says(JSON.stringify(HONEST_RESULT).replace(':1,"inputs"', ':1e999,"inputs"')),
      INVALID,
    ],
    ['a time in words', result({ seconds: '1' }), INVALID],
    ['no inputs', result({ inputs: undefined }), INVALID],
    ['inputs as a list', result({ inputs: [] }), INVALID],
    ['inputs without hashes', result({ inputs: { [out('glibc')]: null } }), INVALID],
    [
      'a failure with a log of one endless line',
      result({ status: 'failed', message: 'x', logTail: 'x' }),
      INVALID,
    ],
  ]
  test.each(lines)('%s', async (...line) => repelled(line))
})

describe('a result about other inputs than the published ones', () => {
  const differs = 'InputDiffers'
  const hash = `sha256:${'0'.repeat(52)}`
  const lines: Line[] = [
    ['built on another glibc', result({ inputs: { [out('glibc')]: hash } }), differs],
    ['built on nothing', result({ inputs: {} }), differs],
    ['built on something else', result({ inputs: { [out('tools')]: hash } }), differs],
    ['the right hash in other letters', result({ inputs: { [out('glibc')]: hash.toUpperCase() } }), differs],
    [
      'hashes that hide in the prototype',
      says(JSON.stringify(HONEST_RESULT).replace('{}', `{"__proto__":{"${out('glibc')}":"${hash}"}}`)),
      [differs, INVALID],
    ],
    [
      'a prototype for everybody',
      says(
        JSON.stringify(HONEST_RESULT).replace(
          '{}',
          `{"constructor":{"prototype":{"${out('glibc')}":"${hash}"}}}`,
        ),
      ),
      [differs, INVALID],
    ],
  ]
  test.each(lines)('%s', async (...line) => {
    await repelled(line)
    expect(out('glibc') in {}).toBe(false)
  })
})

describe('words that are no lie become no more than words', () => {
  const newVictim = victimsOfThisFile()
  const told = async (said: object): Promise<string> => {
    const world = await newVictim()
    await world.stage(out('app'), HONEST)
    await world.said('app', said)
    const before = await keysOf(world.cache)
    const outcomes = await world.publish(['app'])
    expect(await keysOf(world.cache)).toEqual(before)
    return JSON.stringify(outcomes)
  }

  test('a failure whose log would not fit into a report', async () => {
    const text = await told({
      status: 'failed',
      message: 'm'.repeat(MEBIBYTE),
      logTail: Array.from({ length: 5000 }, () => 'x'.repeat(1000)),
    })
    // 64 MiB is the most that Plan reads of all outcomes of a batch: one of a thousand derivations may take 64 kB
    expect(text.length).toBeLessThan(64 * 1024)
  })
  test('an endless list of what it depends on', async () => {
    const because = Array.from({ length: 50_000 }, () => drv('glibc'))
    expect((await told({ status: 'dependency-failed', because })).length).toBeLessThan(64 * 1024)
  })
  test('an endless list of what it lacks', async () => {
    const missing = Array.from({ length: 50_000 }, () => out('glibc'))
    expect((await told({ status: 'input-missing', missing })).length).toBeLessThan(64 * 1024)
  })
  test('a failure that pretends to be built: nothing of it is published', async () => {
    await told({ status: 'failed', message: 'no', logTail: [], inputs: {}, seconds: 1 })
  })
})
