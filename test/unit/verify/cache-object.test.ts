import { describe, expect, test } from 'vitest'
import { cacheObjectOf } from '../../../functions/shared/verification/cache-object.ts'
import { cacheKeys } from '../../../functions/shared/keys.ts'
import { baseNameOf, hashPartOf } from '../../../nix/store-path.ts'
import { drv, out } from '../functions/graphs.ts'

const FILE_HASH = `1${'z'.repeat(51)}`

describe('an object of the cache is told by its key', () => {
  test.each([
    [cacheKeys.info, { kind: 'info' }],
    [cacheKeys.narinfo(hashPartOf(out('app'))), { kind: 'narinfo', hashPart: hashPartOf(out('app')) }],
    [cacheKeys.nar(FILE_HASH), { kind: 'nar', fileHash: FILE_HASH }],
    [cacheKeys.log(baseNameOf(drv('app'))), { kind: 'log' }],
  ])('%s', (key, object) => {
    expect(cacheObjectOf(key)).toEqual(object)
  })

  test.each([
    ['a narinfo in a folder', `x/${hashPartOf(out('app'))}.narinfo`],
    ['a hash part with a letter that nix32 has not', `${'e'.repeat(32)}.narinfo`],
    ['a hash part too short', `${'a'.repeat(31)}.narinfo`],
    ['a listing', `${hashPartOf(out('app'))}.ls`],
    ['a NAR compressed otherwise', cacheKeys.nar(FILE_HASH).replace('.zst', '.xz')],
    ['a NAR named by more than 256 bits', cacheKeys.nar(`2${'z'.repeat(51)}`)],
    ['a log of no derivation', 'log/something'],
    ['a newline behind a narinfo', `${hashPartOf(out('app'))}.narinfo\n`],
    ['anything else', 'index.html'],
  ])('%s is foreign', (_, key) => {
    expect(cacheObjectOf(key)).toEqual({ kind: 'foreign' })
  })
})
