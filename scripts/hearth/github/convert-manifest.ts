import * as z from 'zod/mini'
import { HearthError } from '../../../functions/shared/errors.ts'
import { gitHubClient, GitHubRefused, GitHubUnavailable } from '../../../functions/shared/github/client.ts'

/** GitHub does not give the App for its code. */
export class NotConverted extends HearthError {
  override name = 'NotConverted'
}

/** GitHub has made an App, and its answer is not what Hearth needs. */
export class IncompleteApp extends HearthError {
  override name = 'IncompleteApp'
}

const Conversion = z.object({
  id: z.number(),
  slug: z.string(),
  html_url: z.string(),
  pem: z.string().check(z.minLength(1)),
  // GitHub makes one for every App with a webhook
  webhook_secret: z.string().check(z.minLength(16)),
})

export interface NewApp {
  appId: number
  /** its page */
  url: string
  privateKey: string
  webhookSecret: string
}

/**
 * Exchanges the code of a manifest for the App. GitHub answers this once, and the App's secrets are in nothing but this answer.
 * Source: GitHub REST API, "Create a GitHub App from a manifest".
 * @throws NotConverted when the code is an hour old, or was used, or GitHub does not answer; IncompleteApp. Neither message has the code, or anything of the answer
 */
export async function convertManifest(api: string, code: string): Promise<NewApp> {
  const parsed = z.safeParse(Conversion, await conversionOf(api, code))
  if (!parsed.success)
    throw new IncompleteApp(
      'GitHub has made an App without key or webhook secret: delete it on its page, and run it again',
    )
  const { id, html_url: url, pem, webhook_secret: webhookSecret } = parsed.data
  return { appId: id, url, privateKey: pem, webhookSecret }
}

/** Whoever has a code that was not used can have the App's key for an hour, so errors do not repeat it. */
async function conversionOf(api: string, code: string): Promise<unknown> {
  try {
    return (await gitHubClient({ api })('POST /app-manifests/{code}/conversions', { code })).data
  } catch (error) {
    if (!(error instanceof GitHubRefused || error instanceof GitHubUnavailable)) throw error
    throw new NotConverted(
      `GitHub may have made the App, and does not give its key: delete it on its page, and run it again (${error.message.replaceAll(code, '…')})`,
    )
  }
}
