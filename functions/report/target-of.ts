import type { RunInput, Target } from '../shared/contract.ts'
import { fullRef } from '../shared/full-ref.ts'

/**
 * What a run was meant for, by the input of its execution alone: it ended before Resolve had said so, and the input may be anything.
 * @returns undefined when it names no repository and ref; without a commit when it names none
 */
export function targetOf({ repository, ref, commit }: Partial<RunInput>): RunTarget | undefined {
  if (repository === undefined || !/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository)) return undefined
  // GitHub's longest name of a ref has 255 bytes
  if (ref === undefined || ref === '' || ref.length > 300) return undefined
  return {
    repository,
    ref: fullRef(ref),
    ...(commit !== undefined && /^[0-9a-f]{40}$/.test(commit) ? { commit } : {}),
  }
}

/** A target whose commit may not be known. */
export type RunTarget = Omit<Target, 'commit'> & { commit?: string }
