# Reads a result file in the way in which published analysis scripts for such files do, and draws what they draw.
# Usage: Rscript read_results.R results.csv figure.pdf
# Fails if a column is missing or of another type, or if anything cannot be computed or drawn from them.
suppressPackageStartupMessages(library(ggplot2))
options(warn = 2) # a row that a plot drops is a fault, too

arguments <- commandArgs(trailingOnly = TRUE)
results <- read.csv(arguments[1])

numeric_columns <- c(
  "host_job_create_tstamp", "host_job_serialize_time", "func_data_size_bytes", "func_module_size_bytes",
  "host_func_upload_time", "host_data_upload_time", "host_job_created_time", "host_status_done_tstamp",
  "host_status_query_count", "worker_start_tstamp", "host_submit_tstamp", "worker_peak_memory_start",
  "worker_func_start_tstamp", "worker_func_end_tstamp", "worker_func_exec_time", "func_result_size",
  "worker_result_upload_time", "worker_peak_memory_end", "worker_end_tstamp", "worker_exec_time",
  "host_result_done_tstamp", "host_result_query_count", "hostname"
)
for (column in numeric_columns) {
  values <- results[[column]]
  if (is.null(values)) stop("no column ", column)
  if (!is.numeric(values)) stop("column ", column, " is not numeric")
  if (anyNA(values)) stop("column ", column, " lacks values")
}
if (!all(results$worker_cold_start %in% c("True", "False"))) stop("worker_cold_start is neither True nor False")
if (names(results)[24] != "hostname") stop("hostname is not column 24")

results$latency <- results$worker_start_tstamp - results$host_job_create_tstamp
if (any(results$latency < 0)) stop("a worker started before the call")

boxes <- ggplot(results, aes(x = latency, y = factor("48"))) + geom_boxplot()

results <- results[order(results$hostname, results$worker_start_tstamp), ]
results$row <- seq_len(nrow(results))
zero <- min(results$host_job_create_tstamp)
instants <- sort(c(results$worker_start_tstamp, results$worker_end_tstamp))
running <- sapply(instants, function(at) sum(results$worker_start_tstamp <= at & results$worker_end_tstamp > at))
segments <- ggplot(results) +
  geom_segment(aes(
    x = worker_start_tstamp - zero, xend = worker_end_tstamp - zero, y = row, yend = row,
    colour = factor(hostname %% 4)
  )) +
  geom_step(data = data.frame(at = instants - zero, running = running), aes(x = at, y = running))

pdf(arguments[2])
print(boxes)
print(segments)
invisible(dev.off())
cat(sprintf("%d workers, latency %.6f to %.6f\n", nrow(results), min(results$latency), max(results$latency)))
