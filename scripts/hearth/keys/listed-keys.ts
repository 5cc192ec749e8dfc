import { retirableFrom } from '../../../functions/shared/key-lifetime.ts'
import type { Resigning, SigningKeyFacts, SigningKeys } from '../../../functions/shared/records.ts'

/** One key, as `hearth keys list` shows it; dates are ISO 8601. */
export interface ListedKey extends SigningKeyFacts {
  status: 'signs' | 'retired'
  /** `now`, a date, or why not yet */
  retirable?: 'now' | 'after re-signing' | 'the only key' | (string & {})
}

/** How far re-signing is. */
export interface ListedResigning {
  keys: string[]
  completed?: string
  done: number
  /** an estimate until it is complete */
  total: number
  signed: number
  foreign: number
  /** seconds of work that are left at the pace so far */
  secondsLeft: number
}

export function listKeys(
  record: SigningKeys | undefined,
  resigning: Resigning | undefined,
  now: Date,
): ListedKey[] {
  const keys = record?.keys ?? []
  const isAlone = keys.filter(({ retired }) => retired === undefined).length === 1
  return keys.map((key) => {
    if (key.retired !== undefined) return { ...key, status: 'retired' }
    const from = retirableFrom(record, resigning, key.name)
    const retirable = isAlone
      ? 'the only key'
      : from === undefined
        ? 'after re-signing'
        : from <= now
          ? 'now'
          : from.toISOString()
    return { ...key, status: 'signs', retirable }
  })
}

export function listResigning(resigning: Resigning): ListedResigning {
  const { keys, completed, done, total, signed, foreign, seconds } = resigning
  const left = completed === undefined && done > 0 ? Math.ceil((seconds / done) * (total - done)) : 0
  return {
    keys,
    ...(completed === undefined ? {} : { completed }),
    done,
    total,
    signed,
    foreign,
    secondsLeft: left,
  }
}
