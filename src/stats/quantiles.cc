#include "stats/quantiles.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace gust::stats {

double quantile(std::span<const double> sorted, double p) {
  GUST_CHECK(!sorted.empty() && p >= 0 && p <= 1, "a quantile needs values and 0 <= p <= 1");
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Summary summarize(std::vector<double> values) {
  GUST_CHECK(!values.empty(), "a summary needs values");
  std::ranges::sort(values);
  Summary summary;
  summary.count = values.size();
  summary.min = values.front();
  summary.p50 = quantile(values, 0.5);
  summary.p90 = quantile(values, 0.9);
  summary.p99 = quantile(values, 0.99);
  summary.max = values.back();
  summary.range = summary.max - summary.min;
  summary.iqr = quantile(values, 0.75) - quantile(values, 0.25);

  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double deviations = 0;
  for (const double value : values) deviations += std::abs(value - mean);
  summary.mean_abs_dev = deviations / count;

  for (double& value : values) value = std::abs(value - summary.p50);
  std::ranges::sort(values);
  summary.median_abs_dev = quantile(values, 0.5);
  return summary;
}

Box box_of(std::vector<double> values) {
  GUST_CHECK(!values.empty(), "a box needs values");
  std::ranges::sort(values);
  Box box;
  box.quartile1 = quantile(values, 0.25);
  box.median = quantile(values, 0.5);
  box.quartile3 = quantile(values, 0.75);
  const double reach = 1.5 * (box.quartile3 - box.quartile1);
  // An interpolated quartile can lie beyond every value within reach of it; the whisker then has no length.
  const auto first = std::ranges::lower_bound(values, box.quartile1 - reach);
  const auto last = std::ranges::upper_bound(values, box.quartile3 + reach);
  box.whisker_low = std::min(*first, box.quartile1);
  box.whisker_high = std::max(*std::prev(last), box.quartile3);
  box.outliers.assign(values.begin(), first);
  box.outliers.insert(box.outliers.end(), last, values.end());
  return box;
}

}  // namespace gust::stats
