/** Whether node:zlib refuses the bytes: codes of zstd (`ZSTD_error_…`) or of zlib's own (`Z_BUF_ERROR`: the file ends too early). */
export function isZstdError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(ZSTD_|Z_)/.test(error.code)
  )
}
