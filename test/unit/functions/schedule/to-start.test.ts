import { describe, expect, test } from 'vitest'
import type { KnownRef } from '../../../../functions/schedule/known-refs.ts'
import { toStart } from '../../../../functions/schedule/to-start.ts'
import type { RepositoryConfig, ScheduleConfig } from '../../../../functions/shared/parse-config.ts'

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)]
const MAIN = 'refs/heads/main'
// a Thursday, at a time that no schedule below names
const SLOT = new Date('2026-03-12T19:00:00Z')

const repository = (schedule: ScheduleConfig): RepositoryConfig => ({
  name: 'acme/shells',
  refs: ['main', 'release/*'],
  tags: ['v*'],
  schedule,
  privateInputs: [],
  attributes: ['devShells'],
  systems: ['x86_64-linux'],
})
/** On record since noon. */
const known = (commit: string, deleted?: string): KnownRef => ({
  newest: { version: 1, run: `run-of-${commit[0]}`, commit, started: '2026-03-12T12:00:00.000Z' },
  ...(deleted === undefined
    ? {}
    : { deleted: { version: 1, repository: 'acme/shells', ref: MAIN, since: deleted, run: 'r' } }),
})
const starts = (
  heads: Record<string, string>,
  refs: Record<string, KnownRef>,
  schedule: ScheduleConfig = 'weekly',
) => toStart(repository(schedule), new Map(Object.entries(heads)), new Map(Object.entries(refs)), SLOT)

describe('what webhooks lost is started, whatever the schedule', () => {
  const lines: [string, Record<string, KnownRef>, string | undefined, boolean][] = [
    ['a head that was warmed is not', { [MAIN]: known(A) }, undefined, false],
    ['a head that moved', { [MAIN]: known(B) }, 'run-of-b', true],
    ['a ref of which no run was ever started', {}, undefined, true],
    [
      'a ref that came back at the commit that it had',
      { [MAIN]: known(A, '2026-03-12T13:00:00.000Z') },
      'run-of-a',
      true,
    ],
    [
      'not one that came back and was warmed since',
      { [MAIN]: known(A, '2026-03-12T11:00:00.000Z') },
      '',
      false,
    ],
  ]
  describe.each(['weekly', 'never'] as const)('%s', (schedule) => {
    test.each(lines)('%s', (_, refs, newest, isLost) => {
      const { now, later } = starts({ [MAIN]: A }, refs, schedule)
      expect(now).toEqual([])
      expect(later).toEqual(
        isLost
          ? [
              {
                input: { trigger: 'schedule', repository: 'acme/shells', ref: MAIN, commit: A },
                unique: `acme/shells ${MAIN} ${A} 2026-03-12`,
                newest,
              },
            ]
          : [],
      )
    })
  })
})

describe('a ref that GitHub has no more', () => {
  const lines: [string, Record<string, KnownRef>, string[]][] = [
    ['is deleted', { [MAIN]: known(A) }, [MAIN]],
    ['is deleted again after it had come back', { [MAIN]: known(A, '2026-03-12T11:00:00.000Z') }, [MAIN]],
    ['is known to be deleted already', { [MAIN]: known(A, '2026-03-12T13:00:00.000Z') }, []],
    ['is a tag', { 'refs/tags/v1': known(A) }, ['refs/tags/v1']],
    ['is not configured any more, so that nobody asked for it', { 'refs/heads/old': known(A) }, []],
  ]
  test.each(lines)('%s', (_, refs, deleted) => {
    const { now, later } = starts({}, refs)
    expect(later).toEqual([])
    expect(now).toEqual(
      deleted.map((ref) => ({
        input: { trigger: 'delete', repository: 'acme/shells', ref },
        unique: `acme/shells ${ref} 2026-03-12`,
      })),
    )
  })
})

describe('in its hour', () => {
  const due = { days: ['thursday'], hour: 19 } satisfies ScheduleConfig
  test('every configured ref that GitHub has is started, warmed or not, and nothing a second time because it was lost', () => {
    const heads = { [MAIN]: A, 'refs/heads/release/1': B, 'refs/tags/v1': B }
    const { now, later } = starts(heads, { [MAIN]: known(A) }, due)
    expect(later).toEqual([])
    expect(now).toEqual(
      Object.keys(heads).map((ref) => ({
        input: { trigger: 'schedule', repository: 'acme/shells', ref },
        unique: `acme/shells ${ref} 2026-03-12T19:00:00.000Z`,
      })),
    )
  })
  test('what GitHub has no more is found, too', () => {
    const { now } = starts({}, { [MAIN]: known(A) }, due)
    expect(now).toMatchObject([{ input: { trigger: 'delete', ref: MAIN } }])
  })
})
