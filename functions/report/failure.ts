import * as z from 'zod/mini'

// A Lambda's error as Step Functions gives it in Cause; a CodeBuild's is the whole build.
const LambdaError = z.object({ errorMessage: z.string() })
const FailedBuild = z.object({ Build: z.object({ Id: z.string(), BuildStatus: z.string() }) })

/**
 * Makes what Step Functions caught readable: the error's name, and a message without the JSON that Lambda and CodeBuild wrap it in.
 */
export function readFailure({ Error, Cause }: { Error?: string | undefined; Cause?: string | undefined }): {
  name: string
  message: string
} {
  const name = Error ?? 'UnknownError'
  if (Cause === undefined || Cause === '') return { name, message: 'no cause was given' }
  let document: unknown
  try {
    document = JSON.parse(Cause)
  } catch {
    return { name, message: Cause }
  }
  const lambda = z.safeParse(LambdaError, document)
  if (lambda.success) return { name, message: lambda.data.errorMessage }
  const build = z.safeParse(FailedBuild, document)
  if (build.success) {
    const { Id, BuildStatus } = build.data.Build
    return { name: 'BuilderFailed', message: `the build ${Id} ended ${BuildStatus}: its log says why` }
  }
  return { name, message: Cause }
}
