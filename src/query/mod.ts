/** Searches over stored records: the search language, record formats, and the reader of logstores. */
export { type HistogramBucket, type Histograms, type HistogramsRequest, type Traffic } from "./histogram.ts";
export {
  type AnsweringTier,
  type LogRange,
  type LogReaderConfig,
  type LogReaderStore,
  type QueryProgress,
  type QueryStatistics,
  type TierShare,
} from "./log-query.ts";
export * from "./log-reader.ts";
export * from "./lts-search/line-reader.ts";
export {
  type LogRecord,
  type RecordField,
  type RecordFieldKind,
  type RecordFormat,
} from "./record-format.ts";
export { sagRecordFormat } from "./sag-record.ts";
export { vpcRecordFormat } from "./vpc-record.ts";
export { compileQuery, type SearchQuery, type SearchTerm } from "./search-query.ts";
export { searchLimits } from "./search/parser.ts";
