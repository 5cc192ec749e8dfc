import { describeError } from '../../functions/shared/errors.ts'
import { DiskFull } from './errors.ts'

// In the words of Node, of the C library, and of both for a quota.
const NO_ROOM = /\b(ENOSPC|EDQUOT)\b|No space left on device|Disk quota exceeded/

/** Whether a message says that there is no room left on a disk. */
export function saysDiskFull(message: string): boolean {
  return NO_ROOM.test(message)
}

/** The error itself, or DiskFull when that is behind it. */
export function asDiskFull(error: unknown): unknown {
  const { message } = describeError(error)
  return saysDiskFull(message) ? new DiskFull(message) : error
}
