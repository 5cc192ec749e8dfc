import { cacheKeys } from '../../../functions/shared/keys.ts'
import type { Fault } from '../../../functions/shared/verification/fault.ts'
import { STORE_DIR } from '../../../nix/store-path.ts'

/**
 * What is wrong with nix-cache-info: the store directory must be ours (another one is an error in every client), WantMassQuery must be set (Nix
 * skips the cache otherwise when it asks for many paths at once), and Priority must be a number. Source: Nix, `BinaryCacheStore::init`.
 * @param text undefined when the object is missing: Nix 2.8 then takes the bucket for no cache at all
 */
export function checkCacheInfo(text: string | undefined): Fault[] {
  const fault = (detail: string): Fault => ({ fault: 'cache-info', key: cacheKeys.info, detail })
  if (text === undefined) return [fault('there is none: deploy again, which writes it')]
  const fields = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]]
    }),
  )
  const wrong = (name: string, expected: string, isRight: (value: string) => boolean): Fault[] => {
    const value = fields.get(name)
    return value !== undefined && isRight(value)
      ? []
      : [fault(`${name} is ${value ?? 'missing'}, and should be ${expected}: deploy again, which writes it`)]
  }
  return [
    ...wrong('StoreDir', STORE_DIR, (value) => value === STORE_DIR),
    ...wrong('WantMassQuery', '1', (value) => value === '1'),
    ...wrong('Priority', 'a number', (value) => /^\d{1,9}$/.test(value)),
  ]
}
