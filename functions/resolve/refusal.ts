import { isForSomeSystem } from '../shared/attributes.ts'
import { findRepository, isConfiguredRef } from '../shared/config.ts'
import type { RunInput } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { NotConfigured } from '../shared/not-configured.ts'
import type { Config, RepositoryConfig } from '../shared/parse-config.ts'
import { InvalidRunInput } from './run-input.ts'

/** A run has no work to do, because GitHub does not know what it is about. */
export class RefNotFound extends HearthError {
  override name = 'RefNotFound'
  constructor(repository: string, ref: string) {
    super(`GitHub knows no ${ref} in ${repository}: it may have been deleted since this run was started`)
  }
}

/** GitHub shows nothing of a repository to Hearth: what is missing there says nothing about its refs, and somebody has to do something. */
export class RepositoryNotShown extends HearthError {
  override name = 'RepositoryNotShown'
  constructor(repository: string) {
    super(
      `GitHub does not show ${repository} to Hearth: \`hearth github status\` says what Hearth's credentials open, and what to do`,
    )
  }
}

/**
 * The configuration of a repository. Its name is spelt as in hearth.yml, whatever the run's input says: that spelling is used from here on.
 * @throws NotConfigured when hearth.yml does not name it
 */
export function repositoryFor(
  config: Config,
  { repository }: Pick<RunInput, 'repository'>,
): RepositoryConfig {
  const configured = findRepository(config, repository)
  if (configured === undefined)
    throw new NotConfigured(
      `${repository} is not among the repositories of hearth.yml: add it and run \`hearth config push\``,
    )
  return configured
}

/**
 * The configuration of a run's repository.
 * @throws NotConfigured when hearth.yml does not name the repository, or not this ref of it
 */
export function configurationFor(config: Config, { repository, ref }: RunInput): RepositoryConfig {
  const configured = repositoryFor(config, { repository })
  if (!isConfiguredRef(configured, ref))
    throw new NotConfigured(
      `${ref} is not among the refs of ${configured.name} in hearth.yml (${[...configured.refs, ...configured.tags.map((tag) => `tag ${tag}`)].join(', ')})`,
    )
  return configured
}

/**
 * The attributes that a run keeps warm: those of hearth.yml, or those that it was started with instead.
 * @throws InvalidRunInput naming those that no system of the repository has
 */
export function attributesFor(
  { name, attributes, systems }: Pick<RepositoryConfig, 'name' | 'attributes' | 'systems'>,
  request: Pick<RunInput, 'attributes'>,
): string[] {
  if (request.attributes === undefined) return attributes
  const foreign = request.attributes.filter((attribute) => !isForSomeSystem(attribute, systems))
  if (foreign.length > 0)
    throw new InvalidRunInput(
      `attributes: ${foreign.join(', ')}: hearth.yml has ${name} for ${systems.join(', ')} alone`,
    )
  return request.attributes
}
