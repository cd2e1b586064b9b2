"""KNN, networks and the patient-wise model: training, model files, predictions."""
