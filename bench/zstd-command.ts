import { execFileSync } from 'node:child_process'

/** A program and its arguments. */
export type Command = [program: string, ...args: string[]]

/** The zstd program is not on PATH. */
export class ZstdMissing extends Error {
  override name = 'ZstdMissing'
}

/**
 * The version of the zstd on PATH, such as `1.5.4`.
 * @throws ZstdMissing with the remedy
 */
export function zstdVersion(): string {
  try {
    return /\d+\.\d+\.\d+/.exec(execFileSync('zstd', ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown'
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    throw new ZstdMissing('zstd is not on PATH: install it (Debian and Ubuntu: apt-get install zstd)', {
      cause: error,
    })
  }
}
