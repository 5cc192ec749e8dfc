import { readFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { descendantsOf } from '../../../../local/process/process-tree.ts'
import type { RunningBuilder } from './kinds.ts'

/** A builder that is ended with the test that started it. */
export function endedWithTest<Builder extends RunningBuilder>(builder: Builder): Builder {
  onTestFinished(async () => {
    const ended = builder.ended()
    const isOver = await Promise.race([ended.then(() => true), Promise.resolve(false)])
    if (!isOver) await builder.kill().catch(() => undefined)
    await ended
  })
  return builder
}

/** Waits until the builder says something; the test's own time limit ends a wait for what never comes. */
export async function said(builder: RunningBuilder, pattern: RegExp): Promise<void> {
  while (!builder.lines().some((line) => pattern.test(line))) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The command lines that match, of all processes that come from these tests; whatever outlives its parents belongs to the first process of its machine. */
export function processesThat(pattern: RegExp): string[] {
  const lines = descendantsOf(process.pid).flatMap((id) => {
    try {
      return [readFileSync(`/proc/${id}/cmdline`, 'utf8')]
    } catch {
      // it has just ended
      return []
    }
  })
  return lines.filter((line) => pattern.test(line))
}
