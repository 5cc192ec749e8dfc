import type { EvaluationTokenAnswer } from '../shared/contract.ts'
import type { GitHubCredentials } from '../shared/github/credentials.ts'
import { AppNotInstalled, mintToken, whyNotInstalled } from '../shared/github/mint-token.ts'

/**
 * One token for the target and its private inputs. GitHub gives none at all when the App may not read one of them: then it is made for the others, and the
 * answer says which it is not for, so that a wrong line of hearth.yml does not stop what does not need it.
 * @throws AppNotInstalled when it is the target that the App cannot read
 */
export async function mintForEvaluation(
  api: string,
  credentials: GitHubCredentials,
  target: string,
  privateInputs: string[],
): Promise<EvaluationTokenAnswer> {
  const inputs = privateInputs.filter((input) => input !== target)
  try {
    const all: [string, ...string[]] = [target, ...inputs]
    return {
      ...(await mintToken(api, credentials, 'contents', all)),
      repositories: all,
      unreachable: [],
    }
  } catch (error) {
    if (!(error instanceof AppNotInstalled) || inputs.length === 0) throw error
    const looked = await Promise.all(
      inputs.map(async (repository) => ({
        repository,
        why: await whyNotInstalled(api, credentials, repository),
      })),
    )
    const unreachable = looked.flatMap(({ repository, why }) =>
      why === undefined ? [] : [{ repository, why }],
    )
    // nothing is wrong with them one by one
    if (unreachable.length === 0) throw error
    const readable = looked.flatMap(({ repository, why }) => (why === undefined ? [repository] : []))
    const repositories: [string, ...string[]] = [target, ...readable]
    return { ...(await mintToken(api, credentials, 'contents', repositories)), repositories, unreachable }
  }
}
