import type { StorePath } from '../../../nix/store-path.ts'

/** A narinfo that may have to go, with what was seen of it just now. */
export interface Suspect {
  /** of the cache bucket */
  key: string
  hashPart: string
  /** whether clients see it at this moment; otherwise it is in quarantine, or nowhere */
  isVisible: boolean
  etag: string
  modified: Date
  /** what it describes; undefined when nobody can use it */
  path: StorePath | undefined
  references: StorePath[]
  /** the build that it is an output of */
  deriver: string | undefined
  /** hash parts that the write-once record of this build may be named for: its first output is not known */
  records: string[]
  /** what is wrong with it by itself; undefined when nothing is */
  fault: string | undefined
  /** whether clients find the path in a declared upstream as well: then what refers to it may stay */
  isElsewhere: boolean
}
