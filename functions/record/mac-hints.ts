import { hashPartOf } from '../../nix/store-path.ts'
import type { Evaluation, Graph, PlannedShell, System } from '../shared/contract.ts'
import { OUR_CACHE, sourceOf } from '../shared/path-facts/fact.ts'
import { closureOf, type Learnt } from './downloads.ts'
import { badPinOf } from './mac-channels.ts'
import { macHint } from './mac-hint.ts'

/**
 * The hints for the shells for macOS of a run, by the shell.
 * @param readGraph asked only when there is something to look for in it; undefined when it is gone
 */
export async function macHints(
  shells: PlannedShell[],
  { pins = [] }: Pick<Evaluation, 'pins'>,
  learnt: Learnt,
  readGraph: () => Promise<Graph | undefined>,
): Promise<Map<PlannedShell, string>> {
  const hints = new Map<PlannedShell, string>()
  const pin = badPinOf(pins)
  if (pin === undefined) return hints
  const missing = shells.flatMap((shell): [PlannedShell, string[]][] =>
    isFor('darwin', shell.system)
      ? [[shell, [...closure(shell)].filter((hashPart) => isInNoUpstream(hashPart, learnt))]]
      : [],
  )
  if (missing.every(([, hashParts]) => hashParts.length === 0)) return hints
  const graph = await readGraph()
  if (graph === undefined) return hints
  const names = packageNames(graph)
  const onLinux = new Map<string, string>()
  for (const shell of shells)
    if (isFor('linux', shell.system))
      for (const hashPart of closure(shell)) {
        const [name, fact] = [names.get(hashPart), learnt.known(hashPart)]
        if (name !== undefined && fact !== undefined && sourceOf(fact) !== OUR_CACHE)
          onLinux.set(name, sourceOf(fact))
      }
  for (const [shell, hashParts] of missing) {
    const misses = new Set(hashParts.flatMap((hashPart) => names.get(hashPart) ?? []))
    const hint = macHint(shell.system, misses, onLinux, pin)
    if (hint !== undefined) hints.set(shell, hint)
  }
  return hints

  function closure({ paths }: PlannedShell): Set<string> {
    return closureOf(paths.map(hashPartOf), learnt)
  }
}

/** Whether it is known that a path has to be built somewhere. */
function isInNoUpstream(hashPart: string, { known, missing }: Learnt): boolean {
  const fact = known(hashPart)
  return fact === undefined ? missing.has(hashPart) : sourceOf(fact) === OUR_CACHE
}

function isFor(kernel: 'linux' | 'darwin', system: System): boolean {
  return system.endsWith(`-${kernel}`)
}

/** The derivation's name for the hash part of every output: `ffmpeg-7.1` also for its output `lib`. */
function packageNames({ derivations }: Graph): Map<string, string> {
  const names = new Map<string, string>()
  for (const { name, outputs } of Object.values(derivations))
    for (const path of Object.values(outputs)) names.set(hashPartOf(path), name)
  return names
}
