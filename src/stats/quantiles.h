// Order statistics of a sample: what tables and box plots are made of.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gust::stats {

/// The p-quantile (0 <= p <= 1) of values in ascending order, by linear interpolation between the two nearest: type 7
/// of Hyndman and Fan, the default of R and numpy. At least one value.
double quantile(std::span<const double> sorted, double p);

/// In the unit of the values. The paper's "MAD" is mean_abs_dev.
struct Summary {
  std::size_t count = 0;
  double min = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
  double range = 0;           ///< max - min
  double mean_abs_dev = 0;    ///< mean absolute deviation about the mean
  double median_abs_dev = 0;  ///< median absolute deviation about the median, not scaled
  double iqr = 0;             ///< third quartile - first quartile
};

/// At least one value, in any order.
Summary summarize(std::vector<double> values);

/// What a box plot shows: the box is the quartiles, the whiskers reach to the furthest values within 1.5 times the
/// interquartile range of the box (Tukey; also ggplot2's), everything beyond them is an outlier.
struct Box {
  double whisker_low = 0;
  double quartile1 = 0;
  double median = 0;
  double quartile3 = 0;
  double whisker_high = 0;
  std::vector<double> outliers;  ///< ascending
};

/// At least one value, in any order.
Box box_of(std::vector<double> values);

}  // namespace gust::stats
