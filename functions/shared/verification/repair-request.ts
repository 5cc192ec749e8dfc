/** What `hearth verify --repair` asks of Publish, in one execution of the `repair` state machine: keys are those of the cache bucket. */
export interface RepairRequest {
  /** narinfos to move out of clients' sight */
  keys: string[]
  /** further narinfos that show why: what leads from a key to what is at fault, and the other outputs of the same builds */
  evidence: string[]
  /** of both, those whose NAR must be read to see what is wrong */
  content: string[]
  /** hash parts of `published/` records that are named for no readable narinfo: which outputs belong together */
  records: string[]
}

/**
 * 300 keys and 700 more: an execution's input and output have at most 256 KiB, and a key here, or a result with its reason, takes up to 400
 * bytes there.
 */
export const REPAIR_KEYS = 300
export const REPAIR_EVIDENCE = 700

/**
 * `quarantined`: out of clients' sight now. `gone`: it was already. `sound`: nothing is wrong with it, or not any more. `left`: something
 * that stays refers to it, or it changed meanwhile.
 */
export interface RepairResult {
  key: string
  outcome: 'quarantined' | 'gone' | 'sound' | 'left'
  because: string
}
