import pLimit from 'p-limit'
import type { StorePath } from '../../nix/store-path.ts'
import type { Claim, Schedule } from '../shared/contract.ts'
import type { Bucket } from '../shared/objects.ts'
import { claim, type Claimant } from './claims.ts'

// 32 requests at once: 2,000 claims, the most of one batch, take some 2 s at 30 ms each.
const AT_ONCE = 32

/** What became of a batch that a lane wants. */
export interface ClaimedBatch {
  /** positions that are this lane's now, and whose needs are built already or come before them */
  mine: number[]
  /** what others have published meanwhile */
  found: StorePath[]
  /** what others have tried meanwhile, and what fails for a reason of its own */
  failed: StorePath[]
  /** what others are building, by position */
  busy: Map<number, Claim>
}

/**
 * Claims a batch, derivation by derivation. What needs one that is not to be had is left out with it; a claim to it is void, because no batch holds it.
 * @param chosen positions, inputs before what needs them
 */
export async function claimBatch(
  state: Bucket,
  { derivations }: Schedule,
  chosen: number[],
  claimant: Claimant,
): Promise<ClaimedBatch> {
  const result: ClaimedBatch = { mine: [], found: [], failed: [], busy: new Map() }
  const limit = pLimit(AT_ONCE)
  const lost = new Set<number>()
  const claims = await limit.map(chosen, async (position) => {
    const derivation = derivations[position]
    return derivation && { position, derivation, claimed: await claim(state, derivation, claimant) }
  })
  for (const { position, derivation, claimed } of claims.filter((claimed) => claimed !== undefined)) {
    if (claimed.verdict === 'found') result.found.push(derivation.drvPath)
    if (claimed.verdict === 'failed') result.failed.push(derivation.drvPath)
    if (claimed.verdict === 'busy') result.busy.set(position, claimed.claim)
    const isLost =
      ['busy', 'failed'].includes(claimed.verdict) || derivation.needs.some((need) => lost.has(need))
    if (isLost) lost.add(position)
    else if (claimed.verdict === 'mine') result.mine.push(position)
  }
  return result
}
