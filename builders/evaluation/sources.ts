import { join } from 'node:path'
import { isShellFile } from '../../functions/shared/attributes.ts'
import { options } from '../machine/nix-command.ts'
import type { EvaluationBounds } from './bounded-evaluation.ts'
import type { Source } from './evaluate-system.ts'
import type { RepositoryAccess } from './repository-access.ts'
import { fileRoot, flakeRoot } from './expressions.ts'
import { flakeReference } from './fetch-commit.ts'

/** A commit that was fetched. */
export interface FetchedSource {
  commit: string
  /** the repository, without a working tree */
  repository: string
  /** its files, when files are wanted */
  files: string
}

type Bounds = Omit<EvaluationBounds, 'settings'>

/**
 * The flake at the top of a commit. It is evaluated purely: nothing of this machine can be read. Hence its processes alone have the token with which private
 * inputs are fetched.
 */
export function flakeSource(
  { repository, commit }: FetchedSource,
  bounds: Bounds,
  access: RepositoryAccess,
): Source {
  const reference = flakeReference(repository, commit)
  return {
    ...bounds,
    access: async () => access.variables(),
    advise: (words) => access.advise(words),
    settings: [
      '--extra-experimental-features',
      'nix-command flakes',
      ...options({ 'pure-eval': 'true', 'accept-flake-config': 'false' }),
    ],
    root: flakeRoot(reference),
    replacements: [[`«${reference}»/`, '']],
  }
}

/**
 * A file of a commit, as `nix-shell` or `nix-build` evaluate it on a machine of that system. It is evaluated impurely, because it may ask for `currentSystem` and
 * fetch tarballs, but restricted: it can read its own commit and what it fetches by https, and nothing of this machine, neither files nor environment. It has
 * no token, should that not hold: what it fetches is public.
 */
export function fileSource({ files }: FetchedSource, file: string, system: string, bounds: Bounds): Source {
  return {
    ...bounds,
    settings: [
      '-I',
      `hearth-source=${files}`,
      ...options({
        // not flakes: `fetchTree` of 2.8 reads any folder, restricted or not
        'experimental-features': 'nix-command',
        'pure-eval': 'false',
        'restrict-eval': 'true',
        // not http: machines of AWS give their credentials there
        'allowed-uris': 'https:// github: gitlab:',
        system,
      }),
    ],
    root: fileRoot(join(files, file), system, isShellFile(file)),
    replacements: [[`${files}/`, '']],
  }
}
