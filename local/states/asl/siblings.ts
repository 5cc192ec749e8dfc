import { SiblingFailed } from './errors.ts'

/**
 * Runs jobs side by side, at most `atOnce` of them. When one throws, the others are aborted (their signal's reason is SiblingFailed) and waited for.
 * @returns the results in the order of the jobs
 * @throws what the first failed job threw
 */
export async function sideBySide<T>(
  jobs: readonly ((signal: AbortSignal) => Promise<T>)[],
  atOnce: number,
  signal: AbortSignal,
): Promise<T[]> {
  const group = new AbortController()
  const inner = AbortSignal.any([signal, group.signal])
  const results: T[] = []
  const waiting = jobs.entries()
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (const [index, job] of waiting) {
      try {
        results[index] = await job(inner)
      } catch (error) {
        failure ??= { error }
        group.abort(new SiblingFailed())
        return
      }
      if (inner.aborted) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, worker))
  signal.throwIfAborted()
  if (failure) throw failure.error
  return results
}
