"""Communication between processes: mapped files, the Board, histograms and atomic files."""
