import type { Resigning } from '../../shared/records.ts'
import { shareBefore } from './narinfo-keys.ts'

// As many foreign narinfos are named as a person reads.
const FOREIGNERS_NAMED = 100

/**
 * Where to go on: with the pass that is under way when it adds the same keys' signatures, whoever started it; otherwise from the beginning.
 * A pass that this very execution has completed stays as it is.
 */
export function openPass(
  stored: Resigning | undefined,
  keys: string[],
  execution: string,
  now: Date,
): Resigning {
  const isSame = stored?.keys.join() === keys.join()
  if (stored !== undefined && isSame && (stored.completed === undefined || stored.execution === execution))
    return { ...stored, execution }
  const since = isSame ? stored?.completed : undefined
  return {
    version: 1,
    keys,
    execution,
    started: now.toISOString(),
    updated: now.toISOString(),
    ...(since === undefined ? {} : { completedBefore: since }),
    after: '',
    seconds: 0,
    done: 0,
    signed: 0,
    total: 0,
    foreign: 0,
    foreigners: [],
  }
}

/** What became of some narinfos. */
export interface Progress {
  /** the last key that was looked at */
  last: string
  done: number
  signed: number
  foreigners: Resigning['foreigners']
  seconds: number
}

export function advancePass(pass: Resigning, progress: Progress, now: Date): Resigning {
  const done = pass.done + progress.done
  const share = shareBefore(progress.last)
  return {
    ...pass,
    updated: now.toISOString(),
    after: progress.last,
    seconds: pass.seconds + progress.seconds,
    done,
    signed: pass.signed + progress.signed,
    total: share > 0 ? Math.max(done, Math.round(done / share)) : done,
    foreign: pass.foreign + progress.foreigners.length,
    foreigners: [...pass.foreigners, ...progress.foreigners].slice(0, FOREIGNERS_NAMED),
  }
}

/** Nothing is left: every narinfo has the signatures, since now, or since the pass before if this one found nothing to sign. */
export function completePass(pass: Resigning, now: Date): Resigning {
  const { completedBefore, ...rest } = pass
  const completed = pass.signed === 0 && completedBefore !== undefined ? completedBefore : now.toISOString()
  return { ...rest, updated: now.toISOString(), total: pass.done, completed }
}
