import { isConfiguredRef } from '../shared/config.ts'
import type { RunInput } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { NotConfigured } from '../shared/not-configured.ts'
import type { Config, RepositoryConfig } from '../shared/parse-config.ts'

/** A run has no work to do, because GitHub does not know what it is about. */
export class RefNotFound extends HearthError {
  override name = 'RefNotFound'
  constructor(repository: string, ref: string) {
    super(`GitHub knows no ${ref} in ${repository}: it may have been deleted since this run was started`)
  }
}

/**
 * The configuration of a run's repository.
 * @throws NotConfigured when hearth.yml does not name the repository, or not this ref of it
 */
export function configurationFor(config: Config, { repository, ref }: RunInput): RepositoryConfig {
  const configured = config.repositories.find(({ name }) => name === repository)
  if (configured === undefined)
    throw new NotConfigured(
      `${repository} is not among the repositories of hearth.yml: add it and run \`hearth config push\``,
    )
  if (!isConfiguredRef(configured, ref))
    throw new NotConfigured(
      `${ref} is not among the refs of ${repository} in hearth.yml (${[...configured.refs, ...configured.tags.map((tag) => `tag ${tag}`)].join(', ')})`,
    )
  return configured
}
