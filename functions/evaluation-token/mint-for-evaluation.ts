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
    const whys = await Promise.all(inputs.map(async (input) => whyNotInstalled(api, credentials, input)))
    const reachable: [string, ...string[]] = [target, ...inputs.filter((_, at) => whys[at] === undefined)]
    // nothing is wrong with them one by one
    if (reachable.length > inputs.length) throw error
    const answer = await mintToken(api, credentials, 'contents', reachable)
    return {
      ...answer,
      repositories: reachable,
      unreachable: whys.filter((why) => why !== undefined),
    }
  }
}
