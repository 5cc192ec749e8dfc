import type { Resigning } from '../../../functions/shared/records.ts'
import { type ListedKey, listResigning } from './listed-keys.ts'

/** The keys as a table for people. */
export function formatKeys(keys: ListedKey[]): string {
  if (keys.length === 0) return 'there is no signing key yet: `hearth keys create` makes the first one'
  const rows = [
    ['name', 'status', 'created', 'rotated', 'retired', 'may be retired', 'public key'],
    ...keys.map((key) => [
      key.name,
      key.status,
      day(key.created),
      day(key.rotated),
      day(key.retired),
      key.retirable?.startsWith('2') === true ? `from ${day(key.retirable)}` : (key.retirable ?? ''),
      key.publicKey,
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One line: `re-signing with acme-1, acme-2: 3400 of about 12000 narinfos looked at, 3399 signed, about 2 min left`. */
export function formatResigning(resigning: Resigning): string {
  const { keys, completed, done, total, signed, foreign, secondsLeft } = listResigning(resigning)
  const strangers = foreign === 0 ? '' : `, ${foreign} that none of our keys has signed`
  if (completed !== undefined)
    return `re-signed with ${keys.join(', ')}: complete since ${completed}; the last pass looked at ${done} narinfos and signed ${signed}${strangers}`
  return `re-signing with ${keys.join(', ')}: ${done} of about ${total} narinfos looked at, ${signed} signed${strangers}, about ${duration(secondsLeft)} left`
}

/** What nobody of ours has signed, and what is wrong with it. */
export function formatForeigners({ foreign, foreigners }: Resigning): string {
  const lines = foreigners.map(({ key, reason }) => `  ${key}: ${reason}`)
  const more = foreign - foreigners.length
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n')
}

function day(date: string | undefined): string {
  return date?.slice(0, 10) ?? ''
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
