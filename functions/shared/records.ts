import type { NarInfo } from '../../nix/narinfo.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { BuildId, RunId, System, Target } from './contract.ts'

/** What the state bucket remembers beyond one run. Every record carries the version of its format. */

/** `warmed/<repository>/<commit>.json`: this commit's shells that evaluate are all warm, under this configuration. */
export interface Warmed {
  version: 1
  /** the run whose plan says what the shells need */
  run: RunId
  wave: number
  /** SHA-256 of the configuration */
  config: string
}

/** `roots/<repository>/<ref>/<shell>.json`: keeps one shell's warm set alive. */
export interface Root {
  version: 1
  target: Target
  attribute: string
  system: System
  /** what a developer's machine asks for first; everything they refer to is alive with them */
  paths: StorePath[]
  run: RunId
  /** ISO 8601; refreshed by every run, also when nothing was built */
  refreshed: string
}

/** `published/<hash part>.json`: which build of a derivation stands. Written before anything of it is visible. */
export interface Published {
  version: 1
  drvPath: StorePath
  outputs: Record<string, Pick<NarInfo, 'storePath' | 'narHash'>>
  run: RunId
  build: BuildId
}

/** `timings/<package>.json`: how long builds of a package took, newest first. */
export interface Timings {
  version: 1
  samples: { system: System; seconds: number; drvPath: StorePath }[]
}
