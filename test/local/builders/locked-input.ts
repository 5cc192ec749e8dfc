import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** An input of a flake, as flake.nix names it and as flake.lock pins it. */
export interface LockedInput {
  url: string
  locked: Record<string, unknown>
  original: Record<string, unknown>
}

interface Pinned {
  rev: string
  ref: string
  narHash: string
  lastModified: number
}

/** What flake.lock says of the head of a git repository. */
function pin(repository: string): Pinned {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim()
  const files = mkdtempSync(join(repository, '..', 'tree-'))
  try {
    const tree = join(files, 'tree')
    mkdirSync(tree)
    execFileSync('tar', ['-x', '-C', tree], {
      input: execFileSync('git', ['archive', 'HEAD'], { cwd: repository }),
    })
    const hash = execFileSync('nix-hash', ['--type', 'sha256', tree], { encoding: 'utf8' })
    return {
      rev: git('rev-parse', 'HEAD'),
      ref: git('symbolic-ref', 'HEAD'),
      narHash: `sha256-${Buffer.from(hash.trim(), 'hex').toString('base64')}`,
      lastModified: Number(git('log', '-1', '--format=%ct')),
    }
  } finally {
    rmSync(files, { recursive: true })
  }
}

/** @param url `http://…` or `ssh://…`, without the `git+` */
export function gitInput(repository: string, url: string): LockedInput {
  const { ref, ...pinned } = pin(repository)
  const original = { type: 'git', url }
  return {
    url: `git+${url}`,
    original,
    locked: { ...original, ...pinned, ref, shallow: true },
  }
}

/** `github:owner/repo?host=…` */
export function gitHubInput(repository: string, name: string, host: string): LockedInput {
  const [owner, repo] = name.split('/')
  const { rev, narHash, lastModified } = pin(repository)
  const original = { type: 'github', owner, repo, host }
  return {
    url: `github:${name}?host=${host}`,
    original,
    locked: { ...original, rev, narHash, lastModified },
  }
}

/** flake.nix and flake.lock with these inputs, none of which is a flake. @param outputs what follows `outputs =` */
export function flakeWith(
  inputs: Record<string, LockedInput>,
  outputs: string,
): { flake: string; lock: string } {
  const lines = Object.entries(inputs).map(
    ([name, { url }]) => `  inputs.${name} = { url = "${url}"; flake = false; };\n`,
  )
  const nodes = Object.fromEntries(
    Object.entries(inputs).map(([name, { locked, original }]) => [name, { flake: false, locked, original }]),
  )
  const root = { inputs: Object.fromEntries(Object.keys(inputs).map((name) => [name, name])) }
  return {
    flake: `{\n${lines.join('')}  outputs = ${outputs};\n}\n`,
    lock: JSON.stringify({ nodes: { ...nodes, root }, root: 'root', version: 7 }),
  }
}
