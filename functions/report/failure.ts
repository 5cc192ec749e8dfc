import * as z from 'zod/mini'

// A Lambda's error as Step Functions gives it in Cause; a CodeBuild's is the whole build.
const LambdaError = z.object({ errorMessage: z.string() })
const FailedBuild = z.object({
  Build: z.object({
    Id: z.string(),
    BuildStatus: z.string(),
    Logs: z.optional(z.object({ GroupName: z.optional(z.string()), StreamName: z.optional(z.string()) })),
  }),
})

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
    const { Id, BuildStatus, Logs } = build.data.Build
    const log =
      Logs?.StreamName === undefined ? 'its log' : `its log, ${Logs.GroupName ?? ''} ${Logs.StreamName},`
    return { name: 'BuilderFailed', message: `the build ${Id} ended ${BuildStatus}: ${log} says why` }
  }
  return { name, message: Cause }
}
