"""What IT deploys: the image, compose, Kubernetes, the documents they follow."""
