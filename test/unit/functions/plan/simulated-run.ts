import { expect } from 'vitest'
import { failuresOf } from '../../../../functions/plan/attempts.ts'
import { decide } from '../../../../functions/plan/decide.ts'
import type { BatchDerivation, DerivationOutcome } from '../../../../functions/shared/contract.ts'
import type { TriedBatch } from '../../../../functions/shared/run-files.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import type { Wanting } from './random-graph.ts'

const capabilities = { systems: new Set(['x86_64-linux', 'aarch64-linux']), features: new Set<string>() }

export type Outcome = DerivationOutcome['outcome']

/** What became of the derivations of one wave. */
export interface Wave {
  batches: BatchDerivation[][]
  outcomes: Map<StorePath, Outcome | 'nothing'>
}

export const RETRYABLE: Outcome[] = ['lost', 'input-missing', 'not-reproducible']

/** A run of the loop Plan, Build, Publish, Plan over a world that answers as `fate` says. */
export async function simulate(
  { graph, shells }: Wanting,
  fate: (
    derivation: BatchDerivation,
    hasCome: (need: StorePath) => boolean,
  ) => Outcome | 'nothing' | 'invisible',
) {
  const held = new Set<StorePath>()
  const tried: TriedBatch[] = []
  const waves: Wave[] = []
  const most = 2 * Object.keys(graph.derivations).length + 1
  for (;;) {
    const whichAreHeld = async (paths: StorePath[]) => new Set(paths.filter((path) => held.has(path)))
    const decision = await decide(graph, shells, failuresOf(tried), capabilities, whichAreHeld)
    if (decision.verdict !== 'build') return { ...decision, held, waves, failures: failuresOf(tried) }
    expect(waves.length, 'the run comes to an end').toBeLessThan(most)
    const wave: Wave = { batches: [...decision.batches.values()], outcomes: new Map() }
    waves.push(wave)
    for (const [system, derivations] of decision.batches) {
      const told = derivations.flatMap((derivation): DerivationOutcome[] => {
        const { drvPath } = derivation
        const found = fate(derivation, (need) => wave.outcomes.get(need) === 'published')
        const outcome = found === 'invisible' ? 'published' : found
        wave.outcomes.set(drvPath, outcome)
        if (found === 'published') for (const path of Object.values(derivation.outputs)) held.add(path)
        if (outcome === 'nothing') return []
        if (outcome === 'published') return [{ drvPath, outcome }]
        const error = { name: 'Error', message: outcome, retryable: RETRYABLE.includes(outcome) }
        return [{ drvPath, outcome, error }]
      })
      tried.push(triedBatch(system, derivations, told))
    }
  }
}

function triedBatch(system: string, derivations: BatchDerivation[], told: DerivationOutcome[]): TriedBatch {
  return {
    job: {
      kind: 'build',
      batch: 'batch',
      run: 'run',
      wave: 1,
      system,
      archive: { key: '', sha256: '' },
      derivations,
      upstreams: [],
      publicKeys: [],
      maxNarSize: 1e9,
    },
    outcome: { version: 1, run: 'run', wave: 1, system, buildId: 'build:1', derivations: told },
  }
}
