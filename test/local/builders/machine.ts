import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'

/** A machine with a /nix of its own: a folder that is mounted there for its processes only. */
export interface Machine {
  run(command: string[], environment?: Record<string, string>): Promise<Ran>
  /** as `run`, for a process that the test talks to */
  start(
    command: string[],
    environment?: Record<string, string>,
  ): ChildProcessByStdio<null, Readable, Readable>
}

export interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

const NIX_CONFIG = 'build-users-group =\nexperimental-features = nix-command flakes\nsubstituters =\n'

/** @param folder where its /nix and its home are; empty at first */
export function makeMachine(folder: string): Machine {
  const store = join(folder, 'nix')
  mkdirSync(store, { recursive: true })
  const start: Machine['start'] = (command, environment = {}) =>
    spawn('unshare', ['-m', 'bash', '-c', 'mount --bind "$0" /nix && exec "$@"', store, ...command], {
      env: { PATH: process.env['PATH'], HOME: folder, NIX_CONFIG, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  return {
    start,
    run: async (command, environment) => {
      const child = start(command, environment)
      const ended = once(child, 'close') as Promise<[number | null]>
      const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
      return { status, stdout, stderr }
    },
  }
}

/** Bundles the builder as it is deployed: one file. */
export async function bundleBuilder(folder: string): Promise<string> {
  const outfile = join(folder, 'builder.mjs')
  await build({
    entryPoints: ['builders/main.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.15',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire as createRequireForBundle } from 'node:module';const require = createRequireForBundle(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outfile
}
