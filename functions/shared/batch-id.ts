import type { BatchId, Lane } from './contract.ts'

/** A batch by its parts: the `number`th that a lane took in a wave. */
export interface BatchName {
  wave: number
  lane: Lane
  /** from 1 */
  number: number
}

export function batchId({ wave, lane: { system, slot }, number }: BatchName): BatchId {
  return `${wave}-${system}-${slot}-${number}`
}

/** The parts of a batch's id. A system has a dash of its own. */
export function parseBatchId(batch: BatchId): BatchName {
  const [wave = '', ...rest] = batch.split('-')
  const [slot = '', number = ''] = rest.splice(-2)
  return { wave: Number(wave), lane: { system: rest.join('-'), slot: Number(slot) }, number: Number(number) }
}
