import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** A machine with a /nix of its own: a folder that is mounted there for its processes only. */
export interface Machine {
  run(command: string[], environment?: Record<string, string>): Promise<Ran>
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
  return {
    run: async (command, environment = {}) => {
      const mount = ['-m', 'bash', '-c', 'mount --bind "$0" /nix && exec "$@"', store, ...command]
      const child = spawn('unshare', mount, {
        env: { PATH: process.env['PATH'], HOME: folder, NIX_CONFIG, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const status = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject)
        child.on('close', resolve)
      })
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
