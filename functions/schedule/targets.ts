import type { Config } from '../shared/parse-config.ts'
import type { Target } from '../shared/contract.ts'

/** The branches that hearth.yml names outright. A pattern names branches that only GitHub knows: their pushes start them. */
export function scheduledTargets(config: Config): Omit<Target, 'commit'>[] {
  return config.repositories.flatMap(({ name, refs }) =>
    refs.filter((ref) => !ref.includes('*')).map((ref) => ({ repository: name, ref: `refs/heads/${ref}` })),
  )
}
